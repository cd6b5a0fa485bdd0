/* SPDX-License-Identifier: MIT */
#include "worker/feed.h"
#include "worker/attempt.h"
#include "worker/handler.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "worker/bell.h"
#include "worker/cancels.h"
#include "broker/script_call.h"
#include "worker/lease.h"
#include "worker/run.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DEPTH = 4,        /* reserves without an answer */
    FIRST_BATCH = 16, /* of a queue nobody knows yet */
    /* How far to look for instant jobs behind slow ones; those further back wait. Each
     * look takes the slow ones out and puts them back. */
    SCAN_BATCH = 256,
    FULL_REST_MS = 200, /* how often to look so */
    BROKEN_REST_MS = 5000,
    DEAF_REST_MS = 1000,
    SOLO_GAP_MS = 1000,   /* ordinary jobs' time between two suspects */
    SOLO_WAIT_MS = 10000, /* for a less busy worker to take a suspect */
};

/* Look for instant jobs behind the slow ones. */
static void scan(struct feed *feed)
{
    feed->batch = SCAN_BATCH;
    feed->handler = NULL;
    feed->scanned_mono_ms = clock_mono_ms();
}

static void on_rest(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct feed *feed = watcher->data;
    if (feed->full)
        scan(feed);
    feed_wake(feed);
}

void feed_init(struct feed *feed, struct worker *worker, const struct queue *queue)
{
    *feed = (struct feed){.worker = worker, .queue = *queue, .batch = FIRST_BATCH};
    feed_progressed(feed); /* it has just begun */
    feed->cancels = cancels_new(feed);
    ev_timer_init(&feed->rest, on_rest, 0, 0);
    feed->rest.data = feed;
    if (worker->config->drain != DRAIN_NO)
        return;
    for (int i = 0; i < 2; i++)
        feed->bells[i] = bell_new(feed, i);
}

void feed_fini(struct feed *feed)
{
    ev_timer_stop(feed->worker->loop, &feed->rest);
    bell_free(feed->bells[0]);
    bell_free(feed->bells[1]);
    cancels_free(feed->cancels);
}

/* ---- what to ask for --------------------------------------------------------------- */

void feed_well(struct feed *feed)
{
    if (feed->broken)
        worker_alarm(feed->worker, "");
    feed->broken = 0;
}

static int number_of(const struct feed *feed)
{
    return (int)(feed - feed->worker->feeds);
}

void feed_note(const struct feed *feed)
{
    enum share_state state = SHARE_EMPTY;
    if (feed->state == FEED_HUNGRY)
        state = SHARE_WANTS;
    else if (feed->state == FEED_RESTING && feed->full && !feed->paused && !feed->broken)
        state = SHARE_WAITS;
    share_note(&feed->worker->shares, number_of(feed), state);
}

void feed_charge(const struct feed *feed, int jobs)
{
    share_charge(&feed->worker->shares, number_of(feed), jobs);
}

void feed_learn(struct feed *feed, const struct feed_news *news)
{
    int slots = feed->worker->slots_free;
    feed_charge(feed, news->got - news->back);
    feed->full = news->back > 0;
    feed->handler = news->handler;
    if (feed->full) {
        /* No slot is free, but instant jobs behind the slow ones must not wait for one:
         * look for them now and then. */
        feed_rest(feed, FULL_REST_MS);
    } else if (news->slow > 0) {
        feed->batch = slots > 0 ? slots : 1;
    } else if (news->got >= news->asked && feed->batch < LIMIT_LEASE_JOBS) {
        feed->batch =
            feed->batch * 2 < LIMIT_LEASE_JOBS ? feed->batch * 2 : LIMIT_LEASE_JOBS;
    }
    if (feed->state == FEED_IDLE)
        feed->state = FEED_HUNGRY;
}

static int has_room(const struct worker *worker, int jobs)
{
    return worker->held_jobs + jobs <= LIMIT_HELD_JOBS &&
           worker->held_bytes + LIMIT_LEASE_BYTES <= LIMIT_HELD_BYTES;
}

static int suspects_wait(const struct worker *worker)
{
    for (int i = 0; i < worker->feed_count; i++)
        if (worker->feeds[i].suspects > 0)
            return 1;
    return 0;
}

/* A suspect runs alone: nothing else is held, asked for, or about to arrive. Until then
 * it waits. */
static void take_suspect(struct feed *feed)
{
    const struct worker *worker = feed->worker;
    if (feed->suspects == 0 || !worker_is_empty(worker))
        return;
    feed->suspects--;
    lease_reserve(lease_new(feed, 1, worker->config->lease_ms), 1);
}

static int holds_suspect(const struct worker *worker)
{
    for (const struct lease *lease = worker->leases; lease != NULL; lease = lease->next)
        if (lease->solo)
            return 1;
    for (const struct run *run = worker->runs; run != NULL; run = run->next)
        if (run->solo)
            return 1;
    return worker->attempts.solo > 0;
}

/* Its jobs are for a handler: ask for what that has room for. While it has none, look now
 * and then for jobs behind them that need none. A quick one takes more than a look would
 * show. */
static int room_for(struct feed *feed)
{
    int room = handler_wants(feed->handler);
    int64_t now_mono_ms = clock_mono_ms();
    if (room >= SCAN_BATCH)
        feed->scanned_mono_ms = now_mono_ms;
    if (room > 0)
        return room < LIMIT_LEASE_JOBS ? room : LIMIT_LEASE_JOBS;
    if (now_mono_ms - feed->scanned_mono_ms < FULL_REST_MS)
        return 0;
    scan(feed);
    return feed->batch;
}

static void reserve(struct feed *feed)
{
    struct worker *worker = feed->worker;
    if (feed->handler != NULL) {
        /* What they bring, here or to another queue, tells how much room is left: their
         * answer comes here again, while a rest would last longer. */
        if (feed->reserving > 0 || feed->handler->asked > 0)
            return;
        feed->batch = room_for(feed);
        if (feed->batch == 0) {
            feed->full = 1;
            feed_rest(feed, FULL_REST_MS);
        }
    }
    while (feed->state == FEED_HUNGRY && feed->reserving < DEPTH &&
           has_room(worker, feed->batch) && link_is_up(worker->link) &&
           share_may_take(&worker->shares, number_of(feed))) {
        /* Ask for more only while every answer was full; of calls, none ahead. */
        if (feed->reserving > 0 &&
            (feed->handler != NULL || feed->batch < LIMIT_LEASE_JOBS))
            return;
        struct lease *lease = lease_new(feed, feed->batch, worker->config->lease_ms);
        lease->handler = feed->handler;
        lease_reserve(lease, 0);
    }
}

/* Slow jobs take long to finish: others may be free sooner. The wait differs from worker
 * to worker, so that a busy fleet does not empty itself for one suspect. */
static void note_suspects(struct worker *worker)
{
    if (!suspects_wait(worker))
        worker->suspects_ours_mono_ms = 0;
    else if (worker->suspects_ours_mono_ms == 0)
        worker->suspects_ours_mono_ms =
            clock_mono_ms() + SOLO_WAIT_MS + (int64_t)rnd_below(SOLO_WAIT_MS);
}

/* Between two suspects ordinary jobs get their time, where there are any. */
static int is_patient(const struct worker *worker)
{
    if (worker->config->drain != DRAIN_NO)
        return 0;
    if (worker->attempts.count > 0 && clock_mono_ms() < worker->suspects_ours_mono_ms)
        return 1;
    if (clock_mono_ms() - worker->solo_last_mono_ms >= SOLO_GAP_MS)
        return 0;
    for (int i = 0; i < worker->feed_count; i++)
        if (worker->feeds[i].state == FEED_HUNGRY)
            return 1;
    return 0;
}

/* A rest is no reason: it is short, and a reserve follows it. */
int feed_abstains(const struct feed *feed)
{
    const struct worker *worker = feed->worker;
    return worker->state != WORKER_RUNNING || holds_suspect(worker) ||
           suspects_wait(worker) || !has_room(worker, feed->batch) ||
           !share_may_take(&worker->shares, number_of(feed));
}

void feed_progressed(struct feed *feed)
{
    feed->asked_mono_ms = clock_mono_ms();
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t feed_fetched_mono_ms(const struct feed *feed)
{
    int64_t blocked_mono_ms =
        least(bell_blocked_mono_ms(feed->bells[0]), bell_blocked_mono_ms(feed->bells[1]));
    return blocked_mono_ms > feed->asked_mono_ms ? blocked_mono_ms : feed->asked_mono_ms;
}

/* With a bell down nobody would tell of a job: look now and then, until it is up. */
static void listen_for_jobs(struct feed *feed)
{
    bell_arm(feed->bells[0]);
    bell_arm(feed->bells[1]);
    if (!bell_is_armed(feed->bells[0]) || !bell_is_armed(feed->bells[1]))
        feed_rest(feed, DEAF_REST_MS);
}

void feed_pump(struct feed *feed)
{
    struct worker *worker = feed->worker;
    if (!worker_takes(worker) || holds_suspect(worker))
        return;
    feed_note(feed);
    note_suspects(worker);
    if (suspects_wait(worker) && !is_patient(worker)) {
        /* While a bell still blocks no suspect can run: others need not wait with it. */
        if (!worker_bells_armed(worker))
            take_suspect(feed);
        else if (feed->state == FEED_HUNGRY)
            reserve(feed);
        return;
    }
    if (feed->state == FEED_HUNGRY)
        reserve(feed);
    if (feed->state == FEED_IDLE && feed->bells[0] != NULL)
        listen_for_jobs(feed);
}

/* ---- states ------------------------------------------------------------------------ */

void feed_wake(struct feed *feed)
{
    ev_timer_stop(feed->worker->loop, &feed->rest);
    feed->state = FEED_HUNGRY;
    feed_pump(feed);
}

void feed_slot_free(struct feed *feed)
{
    if (!feed->full)
        return;
    feed->full = 0;
    if (feed->handler == NULL)
        feed->batch = feed->worker->slots_free;
    if (clock_mono_ms() - feed->scanned_mono_ms >= FULL_REST_MS)
        scan(feed); /* slots that come free all the time must not put it off for ever */
    ev_timer_stop(feed->worker->loop, &feed->rest);
    feed->state = FEED_HUNGRY;
}

void feed_rest(struct feed *feed, int64_t ms)
{
    feed->state = FEED_RESTING;
    ev_timer_stop(feed->worker->loop, &feed->rest);
    ev_timer_set(&feed->rest, (double)ms / 1000, 0);
    ev_timer_start(feed->worker->loop, &feed->rest);
}

void feed_found_nothing(struct feed *feed)
{
    feed_well(feed);
    if (feed->state == FEED_HUNGRY && feed->reserving == 0)
        feed->state = FEED_IDLE;
    if (feed->batch > FIRST_BATCH)
        feed->batch /= 2;
}

void feed_refused(struct feed *feed, const struct answer *answer)
{
    struct worker *worker = feed->worker;
    char text[240];
    switch (answer->code) {
    case LEAT_ELINK:
    case LEAT_EBUSY: feed_rest(feed, FULL_REST_MS); return;
    case LEAT_EFOREIGN:
        snprintf(text, sizeof text, "queue %s stands still: %.150s", feed->queue.name,
                 answer->text);
        worker_alarm(worker, text);
        feed->broken = 1;
        if (worker->config->drain == DRAIN_NO) {
            feed_rest(feed, BROKEN_REST_MS);
            return;
        }
        break;
    default: break;
    }
    struct err err = {0};
    err_set(&err, answer->code, "queue %s: %s", feed->queue.name, answer->text);
    worker_fail(worker, &err);
}

/* ---- the bells --------------------------------------------------------------------- */

void feed_fall_silent(struct feed *feed)
{
    for (int i = 0; i < 2; i++)
        if (feed->bells[i] != NULL)
            bell_hang_up(feed->bells[i]);
}

void feed_listen(struct feed *feed)
{
    for (int i = 0; i < 2; i++)
        if (feed->bells[i] != NULL)
            bell_connect(feed->bells[i]);
    feed->state = FEED_HUNGRY; /* for what came meanwhile */
}

int feed_listens(const struct feed *feed)
{
    return bell_is_armed(feed->bells[0]) || bell_is_armed(feed->bells[1]);
}

/* ---- giving back ------------------------------------------------------------------- */

static void on_released(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    feed->worker->releasing--;
    if (answer->code != LEAT_OK)
        log_warn("release failed", log_text("queue", feed->queue.name),
                 log_text("err", answer->text));
    worker_pump(feed->worker);
}

void feed_release(struct feed *feed, const char *lease)
{
    struct worker *worker = feed->worker;
    script_release(&worker->cmd, &feed->queue);
    cmd_adds(&worker->cmd, lease);
    if (link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_released,
                  feed) == LEAT_OK)
        worker->releasing++;
}
