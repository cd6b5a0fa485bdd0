/* SPDX-License-Identifier: MIT */
#include "dashboard/look.h"
#include "base/clock.h"
#include "dashboard/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRESH_MS = 5000,
    LOOKS_MAX = 32, /* under way or fresh; each may keep some megabytes of names */
};

struct look_waiter {
    struct look_waiter *next;
    struct http_request *request;
    size_t limit;
};

static int is_fresh(const struct look *look)
{
    return look->is_good && clock_mono_ms() - look->taken_mono_ms < FRESH_MS;
}

static void look_free(struct look *look)
{
    for (struct look_waiter *waiter; (waiter = look->waiters) != NULL;) {
        look->waiters = waiter->next;
        free(waiter);
    }
    top_fini(&look->top);
    free(look);
}

/* Free those that nobody can use any more. Returns how many are left. */
static int sweep(struct dashboard *dashboard)
{
    int count = 0;
    for (struct look **at = &dashboard->looks; *at != NULL;) {
        struct look *look = *at;
        if (look->is_gathering || is_fresh(look)) {
            at = &look->next;
            count++;
        } else {
            *at = look->next;
            look_free(look);
        }
    }
    return count;
}

void look_fini(struct dashboard *dashboard)
{
    for (struct look *look; (look = dashboard->looks) != NULL;) {
        dashboard->looks = look->next;
        look_free(look);
    }
}

/* ---- answering --------------------------------------------------------------------- */

static void answer(struct look *look, struct http_request *request, size_t limit)
{
    struct buf out = {0};
    look->age_ms = clock_mono_ms() - look->taken_mono_ms;
    look->kind->write(&out, look, limit);
    http_answer(request, 200, "application/json", buf_bytes(&out));
    buf_fini(&out);
}

void look_done(struct look *look)
{
    look->is_gathering = 0;
    look->is_good = look->err.code == LEAT_OK;
    look->taken_mono_ms = clock_mono_ms();
    for (struct look_waiter *waiter; (waiter = look->waiters) != NULL;) {
        look->waiters = waiter->next;
        if (look->is_good)
            answer(look, waiter->request, waiter->limit);
        else
            service_fail(waiter->request, look->err.code, look->err.text);
        free(waiter);
    }
}

static void wait_for(struct look *look, struct http_request *request, size_t limit)
{
    struct look_waiter *waiter = xcalloc(1, sizeof *waiter);
    *waiter = (struct look_waiter){look->waiters, request, limit};
    look->waiters = waiter;
    http_defer(request);
}

void look_write_end(struct buf *out, const struct look *look)
{
    buf_addf(out, "\"scanned\":%lld,", (long long)look->scanned);
    if (look->of >= 0) /* some may have come since they were counted */
        buf_addf(out, "\"of\":%lld,",
                 (long long)(look->of > look->scanned ? look->of : look->scanned));
    buf_addf(out, "\"complete\":%s,\"at_ms\":%lld,\"age_ms\":%lld}\n",
             look->is_complete ? "true" : "false", (long long)look->at_ms,
             (long long)look->age_ms);
}

/* ---- asking ------------------------------------------------------------------------ */

void look_ask(struct look *look, answer_fn fn, void *arg)
{
    struct dashboard *dashboard = look->dashboard;
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, fn, arg) == LEAT_OK)
        look->due++;
    else
        err_set(&look->err, LEAT_ELINK, "There is no connection to Redis.");
}

int look_answered(struct look *look, const struct answer *answer)
{
    look->due--;
    if (answer->code != LEAT_OK)
        err_set(&look->err, answer->code, "%s", answer->text);
    return look->err.code == LEAT_OK ? 0 : -1;
}

static void on_time(void *arg, struct answer *answer)
{
    struct look *look = arg;
    look_answered(look, answer);
    look->at_ms = reply_int(reply_at(answer->reply, 0), 0) * 1000 +
                  reply_int(reply_at(answer->reply, 1), 0) / 1000;
    if (look->due == 0)
        look_done(look);
}

/* The time dates the look. */
static void ask_time(struct look *look)
{
    cmd_set(&look->dashboard->cmd, "TIME", NULL);
    look_ask(look, on_time, look);
}

int look_take_cursor(struct look *look, const struct redisReply *reply)
{
    struct bytes cursor = reply_bytes(reply_at(reply, 0));
    look->calls++;
    snprintf(look->cursor, sizeof look->cursor, "%.*s", (int)cursor.len, cursor.at);
    look->is_complete = strcmp(look->cursor, "0") == 0;
    return !look->is_complete;
}

/* ---- the request ------------------------------------------------------------------- */

static struct look *find(const struct dashboard *dashboard, const struct queue *queue,
                         const struct look_kind *kind)
{
    for (struct look *look = dashboard->looks; look != NULL; look = look->next)
        if (look->kind == kind && strcmp(look->queue.name, queue->name) == 0)
            return look;
    return NULL;
}

static struct look *look_new(struct dashboard *dashboard, const struct queue *queue,
                             const struct look_kind *kind)
{
    struct look *look = xcalloc(1, sizeof *look);
    *look = (struct look){.queue = *queue,
                          .top = {.wanted = (size_t)kind->limit_max},
                          .of = -1,
                          .dashboard = dashboard,
                          .cursor = "0",
                          .next = dashboard->looks,
                          .kind = kind,
                          .is_gathering = 1};
    dashboard->looks = look;
    return look;
}

void look_serve(struct dashboard *dashboard, struct http_request *request,
                const struct look_kind *kind)
{
    int64_t limit;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL ||
        service_limit(request, kind->limit_max, kind->limit_initial, &limit) != 0)
        return;
    int count = sweep(dashboard);
    struct look *look = find(dashboard, queue, kind);
    if (!link_is_up(dashboard->link)) {
        service_fail(request, LEAT_ELINK, "There is no connection to Redis.");
    } else if (look != NULL && !look->is_gathering) {
        answer(look, request, (size_t)limit);
    } else if (look != NULL) {
        wait_for(look, request, (size_t)limit);
    } else if (count == LOOKS_MAX) {
        service_try_later(request, "Too many queues are looked at", NULL);
    } else {
        look = look_new(dashboard, queue, kind);
        wait_for(look, request, (size_t)limit);
        ask_time(look);
        kind->gather(look);
    }
}
