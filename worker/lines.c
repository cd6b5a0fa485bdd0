/* SPDX-License-Identifier: MIT */
#include "worker/lines.h"
#include "base/clock.h"
#include "worker/call.h"
#include "worker/lines_child.h"
#include "worker/program.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_MS = 100, /* behind a child that died before it answered; doubles */
    AGAIN_MAX_MS = 30000,
    ALARM_FAILURES = 3,
};

/* One for each handler. */
struct lines {
    struct handler *handler;
    struct program program;
    struct handler_log log;
    struct lines_child_spec spec;
    struct lines_child *children;
    int failures;   /* of children, in a row, before they answered anything */
    ev_timer again; /* while it runs no child is started */
};

static const struct handler_keys *keys_of(const struct lines *lines)
{
    return &lines->handler->config->keys;
}

static struct worker *worker_of(const struct lines *lines)
{
    return lines->handler->worker;
}

/* ---- children that die at once ----------------------------------------------------- */

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct lines *lines = timer->data;
    worker_pump_soon(worker_of(lines));
}

static int64_t back_off_ms(int failures)
{
    int64_t ms = AGAIN_MS;
    for (int i = 1; i < failures && ms < AGAIN_MAX_MS; i++)
        ms *= 2;
    return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

static const char *alarm_text(const struct lines *lines, const char *why, char out[240])
{
    snprintf(out, 240, "handler %s: its children die before they answer: %s",
             lines->handler->config->type, why);
    return out;
}

static void set_failures(struct lines *lines, int failures)
{
    lines->failures = failures;
    lines->spec.again_ms = back_off_ms(failures + 1);
}

static void back_off(struct lines *lines, const char *why)
{
    char text[240];
    struct ev_loop *loop = worker_of(lines)->loop;
    set_failures(lines, lines->failures + 1);
    if (lines->failures >= ALARM_FAILURES)
        worker_alarm(worker_of(lines), alarm_text(lines, why, text));
    ev_timer_stop(loop, &lines->again);
    ev_timer_set(&lines->again, (double)back_off_ms(lines->failures) / 1000, 0);
    ev_timer_start(loop, &lines->again);
}

static void recover(struct lines *lines)
{
    char text[240];
    struct worker *worker = worker_of(lines);
    alarm_text(lines, "", text);
    if (strncmp(worker->alarm, text, strlen(text)) == 0)
        worker_alarm(worker, "");
    set_failures(lines, 0);
}

static void on_change(void *arg)
{
    struct lines *lines = arg;
    if (lines->failures > 0)
        for (const struct lines_child *it = lines->children; it != NULL; it = it->next)
            if (it->state == LINES_CHILD_TAKES && it->answered > 0)
                recover(lines);
    worker_pump_soon(worker_of(lines));
}

/* One that was killed for a job which did not stop had begun well. */
static int has_failed(const struct lines_child *child)
{
    return child->answered == 0 && !child->gives_back;
}

static void on_gone(void *arg, struct lines_child *child, const char *why)
{
    struct lines *lines = arg;
    struct lines_child **at = &lines->children;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    if (has_failed(child))
        back_off(lines, why);
    lines_child_free(child);
    worker_pump_soon(worker_of(lines));
}

/* ---- how many ---------------------------------------------------------------------- */

/* Those that leave make room for as many again, not more. */
static int startable(const struct lines *lines, int taking, int all)
{
    int processes = (int)keys_of(lines)->processes;
    int more = processes - taking, most = 2 * processes - all;
    if (ev_is_active(&lines->again))
        return 0;
    return more < most ? more : most;
}

/* One that is not started yet takes a call at least. What those hold that take no more
 * counts among the handler's running ones, so it counts here, too. */
int lines_capacity(const struct handler *handler)
{
    const struct lines *lines = handler->state;
    int64_t most = keys_of(lines)->concurrency;
    int taking = 0, all = 0, calls = 0;
    for (const struct lines_child *it = lines->children; it != NULL; it = it->next) {
        int takes = it->state == LINES_CHILD_TAKES;
        all++;
        taking += takes;
        calls += takes ? it->calls.size : it->calls.held;
    }
    calls += startable(lines, taking, all);
    return most > 0 && calls > most ? (int)most : calls;
}

static struct lines_child *start_child(struct lines *lines)
{
    struct lines_child *child = lines_child_new(&lines->spec);
    child->next = lines->children;
    lines->children = child;
    return child;
}

/* The one with the most room; a new one when all are busy, and one more may be there. */
static struct lines_child *choose(struct lines *lines)
{
    struct lines_child *best = NULL;
    int taking = 0, all = 0;
    for (struct lines_child *it = lines->children; it != NULL; it = it->next) {
        all++;
        taking += it->state == LINES_CHILD_TAKES;
        if (lines_child_room(it) > (best != NULL ? lines_child_room(best) : 0))
            best = it;
    }
    if ((best == NULL || best->calls.held > 0) && startable(lines, taking, all) > 0)
        return start_child(lines);
    return best;
}

/* ---- the kind ---------------------------------------------------------------------- */

void *lines_open(struct handler *handler, struct program *program)
{
    struct lines *lines = xcalloc(1, sizeof *lines);
    lines->handler = handler;
    lines->program = *program;
    lines->log.type = handler->config->type;
    lines->spec = (struct lines_child_spec){.handler = handler,
                                            .program = &lines->program,
                                            .log = &lines->log,
                                            .on_gone = on_gone,
                                            .on_change = on_change,
                                            .arg = lines};
    set_failures(lines, 0);
    ev_timer_init(&lines->again, on_again, 0, 0);
    lines->again.data = lines;
    return lines;
}

static void *open_command(struct handler *handler)
{
    struct program program;
    program_init(&program, &handler->config->keys);
    return lines_open(handler, &program);
}

/* They hold no calls any more. A worker that leaves at once does not wait for them. */
void lines_close(void *state)
{
    struct lines *lines = state;
    struct worker *worker = worker_of(lines);
    int64_t grace_ms = worker->state == WORKER_LEAVING ? 0 : keys_of(lines)->grace_ms;
    int64_t until_mono_ms = clock_mono_ms() + grace_ms;
    for (struct lines_child *it = lines->children; it != NULL; it = it->next)
        lines_child_leave(it);
    while (lines->children != NULL) {
        struct lines_child *child = lines->children;
        lines->children = child->next;
        lines_child_await(child, until_mono_ms);
        lines_child_free(child);
    }
    ev_timer_stop(worker->loop, &lines->again);
    handler_log_left_out(&lines->log);
    program_fini(&lines->program);
    free(lines);
}

void lines_start(struct call *call)
{
    struct lines_child *child = choose(call->handler->state);
    assert(child != NULL); /* the handler has looked at its capacity */
    lines_child_start(child, call);
}

void lines_stop(struct call *call)
{
    lines_child_stop(call->work);
}

void lines_kill(struct call *call)
{
    lines_child_kill(call->work);
}

const struct handler_kind lines_kind = {
    .name = "lines",
    .check = program_check,
    .open = open_command,
    .close = lines_close,
    .capacity = lines_capacity,
    .start = lines_start,
    .stop = lines_stop,
    .kill = lines_kill,
};
