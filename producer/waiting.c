/* SPDX-License-Identifier: MIT */
#include "waiting.h"
#include "base/text.h"
#include "command.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hall;

struct waiter {
    struct stream_wait wait;
    struct hall *hall;
    const char *id;
    struct track_record record;
};

struct hall {
    const struct waiting *waiting;
    struct client *client;
    struct stream_watch *watch;
    struct waiter *waiters;
    struct arena arena;
    ev_timer alarm;
    size_t left, missing; /* jobs that have not ended; that have no record */
    int done;
    struct err err;
};

/* ---- what is told ------------------------------------------------------------------ */

void waiting_print(struct bytes line)
{
    struct buf out = {0};
    text_json_line(&out, line);
    if (isatty(STDOUT_FILENO)) {
        struct buf shown = {0};
        text_printable(&shown, buf_bytes(&out), out.len);
        buf_fini(&out);
        out = shown;
    }
    puts(buf_text(&out));
    fflush(stdout);
    buf_fini(&out);
}

static void show_progress(const struct waiter *waiter)
{
    const struct track_record *record = &waiter->record;
    struct buf line = {0};
    if (!isatty(STDERR_FILENO))
        return;
    buf_addf(&line, "leat: %s: %s", waiter->id, track_state_name(record->state));
    if (record->attempt > 1)
        buf_addf(&line, ", attempt %lld", (long long)record->attempt);
    const struct buf *more =
        record->progress.len > 0 ? &record->progress : &record->error;
    if (more->len > 0) {
        buf_adds(&line, ": ");
        text_printable(&line, buf_bytes(more), LIMIT_PROGRESS_BYTES);
    }
    fprintf(stderr, "%s\n", buf_text(&line));
    buf_fini(&line);
}

/* ---- waiting ----------------------------------------------------------------------- */

static void end(struct hall *hall)
{
    hall->done = 1;
}

static void on_no_record(struct waiter *waiter)
{
    struct hall *hall = waiter->hall;
    if (hall->waiting->timeout_ms > 0)
        return; /* it may be pushed yet */
    if (hall->waiting->any && ++hall->missing < hall->waiting->count)
        return; /* another's end will do */
    err_set(
        &hall->err, LEAT_ENO,
        "queue '%s' has no record of job %s: only jobs pushed with --track leave one, "
        "for a while",
        hall->waiting->queue->name, waiter->id);
    end(hall);
}

static void on_entry(struct stream_wait *wait, const struct stream_entry *entry)
{
    struct waiter *waiter = (struct waiter *)wait;
    struct hall *hall = waiter->hall;
    if (hall->done)
        return;
    if (entry == NULL) {
        on_no_record(waiter);
        return;
    }
    track_add(&waiter->record, entry);
    if (entry->is_old)
        return;
    if (!track_is_end(waiter->record.state)) {
        show_progress(waiter);
        return;
    }
    stream_watch_remove(wait);
    hall->waiting->on_end(hall->waiting->arg, waiter->id, &waiter->record);
    if (--hall->left == 0 || hall->waiting->any)
        end(hall);
}

static void on_error(struct stream_wait *wait, const struct err *err)
{
    struct hall *hall = ((struct waiter *)wait)->hall;
    if (hall->done)
        return;
    err_set(&hall->err, err->code, "Redis: %s", err->text);
    end(hall);
}

/* Of a single job its id, which nobody may have seen yet, and what it is waiting for. */
static void tell_unended(const struct hall *hall, struct buf *text)
{
    const struct waiter *waiter = &hall->waiters[0];
    const struct track_record *record = &waiter->record;
    if (hall->waiting->count > 1) {
        buf_addf(text, "%zu of %zu jobs have not ended", hall->left,
                 hall->waiting->count);
        return;
    }
    if (record->state == TRACK_NONE)
        buf_addf(text, "job %s has no record yet", waiter->id);
    else
        buf_addf(text, "job %s has not ended, its state is %s", waiter->id,
                 track_state_name(record->state));
    if (record->error.len > 0)
        buf_addf(text, ": %s", buf_text(&record->error));
}

static void on_alarm(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct hall *hall = watcher->data;
    if (hall->done)
        return;
    const char *why = stream_watch_down_why(hall->watch);
    struct buf unended = {0};
    tell_unended(hall, &unended);
    err_set(&hall->err, LEAT_ETIMEOUT, "time is over: %s%s%s", buf_text(&unended),
            why != NULL ? "; Redis is away: " : "", why != NULL ? why : "");
    buf_fini(&unended);
    end(hall);
}

static int enter(struct hall *hall, struct waiter *waiter, const char *id,
                 struct err *err)
{
    *waiter = (struct waiter){
        .wait = {.on_entry = on_entry, .on_error = on_error}, .hall = hall, .id = id};
    int code = track_key(&waiter->wait.key, hall->waiting->queue, id, &hall->arena, err);
    return code == LEAT_OK ? stream_watch_add(hall->watch, &waiter->wait, err) : code;
}

static int wait_in(struct hall *hall, struct err *err)
{
    const struct waiting *waiting = hall->waiting;
    int code = LEAT_OK;
    for (size_t i = 0; i < waiting->count && code == LEAT_OK; i++)
        code = enter(hall, &hall->waiters[i], waiting->ids[i], err);
    if (waiting->timeout_ms > 0) {
        ev_timer_set(&hall->alarm, (double)waiting->timeout_ms / 1000, 0);
        ev_timer_start(hall->client->loop, &hall->alarm);
    }
    if (code == LEAT_OK)
        code = client_wait(hall->client, &hall->done, err);
    ev_timer_stop(hall->client->loop, &hall->alarm);
    return code;
}

int waiting_wait(struct client *client, const struct waiting *waiting, struct err *err)
{
    struct hall hall = {.waiting = waiting, .client = client, .left = waiting->count};
    hall.watch = stream_watch_new(client->loop, &client->url, client->link);
    hall.waiters = xcalloc(waiting->count, sizeof *hall.waiters);
    ev_timer_init(&hall.alarm, on_alarm, 0, 0);
    hall.alarm.data = &hall;
    int code = wait_in(&hall, err);
    if (code == LEAT_OK && hall.err.code != LEAT_OK)
        code = err_set(err, hall.err.code, "%s", hall.err.text);
    stream_watch_free(hall.watch);
    for (size_t i = 0; i < waiting->count; i++)
        track_fini(&hall.waiters[i].record);
    free(hall.waiters);
    arena_fini(&hall.arena);
    return code;
}

/* ---- one job ----------------------------------------------------------------------- */

struct one {
    const struct queue *queue;
    int json;
    struct err err; /* how it failed */
};

static void on_one_end(void *arg, const char *id, const struct track_record *record)
{
    struct one *one = arg;
    struct buf line = {0};
    if (one->json)
        track_json(&line, one->queue, id, record);
    else
        buf_add(&line, record->result.data, record->result.len);
    if (line.len > 0)
        waiting_print(buf_bytes(&line));
    buf_reset(&line);
    if (record->state != TRACK_DONE) {
        text_printable(&line, buf_bytes(&record->error), LIMIT_ERROR_BYTES);
        err_set(&one->err, LEAT_ENO, "job %s is %s%s%s", id,
                track_state_name(record->state), line.len > 0 ? ": " : "",
                buf_text(&line));
    }
    buf_fini(&line);
}

int waiting_for_one(struct client *client, const struct queue *queue, const char *id,
                    int64_t timeout_ms, int json)
{
    struct one one = {.queue = queue, .json = json};
    const struct waiting waiting = {.queue = queue,
                                    .ids = &id,
                                    .count = 1,
                                    .timeout_ms = timeout_ms,
                                    .on_end = on_one_end,
                                    .arg = &one};
    struct err err = {0};
    if (waiting_wait(client, &waiting, &err) != LEAT_OK)
        return command_fail(&err);
    return one.err.code != LEAT_OK ? command_fail(&one.err) : 0;
}
