/* SPDX-License-Identifier: MIT */
#include "worker/drain.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "worker/feed.h"

#include <stdlib.h>

enum {
    SOON_MS = 5000,     /* scheduled jobs due within that are waited for */
    ASK_AGAIN_MS = 100, /* while others still work, or something is due soon */
};

struct drain_watch {
    struct worker *worker;
    ev_timer again;
    int asked, answered;
    int busy, paused; /* queues that are not done; that are paused */
    struct buf left;  /* what stays, for people */
    int done;
};

static void on_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct drain_watch *watch = watcher->data;
    watch->asked = 0;
    for (int i = 0; i < watch->worker->feed_count; i++)
        feed_wake(&watch->worker->feeds[i]);
    worker_pump(watch->worker);
}

struct drain_watch *drain_new(struct worker *worker)
{
    struct drain_watch *watch = xcalloc(1, sizeof *watch);
    watch->worker = worker;
    ev_timer_init(&watch->again, on_again, 0, 0);
    watch->again.data = watch;
    return watch;
}

void drain_free(struct drain_watch *watch)
{
    if (watch == NULL)
        return;
    ev_timer_stop(watch->worker->loop, &watch->again);
    buf_fini(&watch->left);
    free(watch);
}

const char *drain_left(const struct drain_watch *watch)
{
    return watch != NULL && watch->done ? buf_text(&watch->left) : NULL;
}

static void finish(struct drain_watch *watch)
{
    struct worker *worker = watch->worker;
    if (watch->paused > 0) {
        struct err err = {0};
        err_set(&err, LEAT_EBUSY,
                "a queue is paused; resume it (leat queue resume QUEUE) and drain again");
        worker_fail(worker, &err);
    } else if (watch->busy > 0) {
        ev_timer_set(&watch->again, ASK_AGAIN_MS / 1000.0, 0);
        ev_timer_start(worker->loop, &watch->again);
    } else {
        watch->done = 1;
        worker_stop(worker, WORKER_GRACE_MS);
    }
}

static void note_left(struct drain_watch *watch, const struct feed *feed,
                      const char *what, int64_t count, int64_t next_ms)
{
    if (count == 0)
        return;
    buf_addf(&watch->left, "%s: %lld %s", feed->queue.name, (long long)count, what);
    if (next_ms >= 0) {
        buf_adds(&watch->left, ", the next in ");
        text_duration(&watch->left, next_ms);
    }
    buf_addc(&watch->left, '\n');
}

static void on_counted(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    struct drain_watch *watch = feed->worker->drain;
    const struct redisReply *counts = answer->reply;
    if (answer->code == LEAT_OK) {
        int64_t ready = 0;
        for (size_t i = 0; i < 4; i++)
            ready += reply_int(reply_at(counts, i), 0);
        int64_t leases = reply_int(reply_at(counts, 4), 0);
        int64_t scheduled = reply_int(reply_at(counts, 5), 0);
        int64_t soon = reply_int(reply_at(counts, 6), 0);
        int all = feed->worker->config->drain == DRAIN_ALL;
        int paused = reply_field(reply_at(counts, 12), "paused") != NULL;
        watch->paused += paused && ready > 0;
        watch->busy += ready + leases + (all ? scheduled : soon) > 0;
        note_left(watch, feed, "scheduled remain", scheduled,
                  reply_int(reply_at(counts, 7), -1));
        note_left(watch, feed, "dead", reply_int(reply_at(counts, 8), 0), -1);
        note_left(watch, feed, "in quarantine", reply_int(reply_at(counts, 9), 0), -1);
    } else {
        watch->busy++;
    }
    if (++watch->answered == watch->asked)
        finish(watch);
}

void drain_ask(struct worker *worker)
{
    struct drain_watch *watch = worker->drain;
    if (watch->asked > 0 || !link_is_up(worker->link))
        return;
    watch->answered = watch->busy = watch->paused = 0;
    buf_reset(&watch->left);
    for (int i = 0; i < worker->feed_count; i++) {
        script_count(&worker->cmd, &worker->feeds[i].queue, SOON_MS);
        if (link_send(worker->link, &worker->cmd, LINK_RETRY, 0, on_counted,
                      &worker->feeds[i]) == LEAT_OK)
            watch->asked++;
    }
}
