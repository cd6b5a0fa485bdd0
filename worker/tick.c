/* SPDX-License-Identifier: MIT */
#include "worker/tick.h"
#include "worker/flight.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "broker/overview.h"
#include "broker/script_call.h"
#include "worker/cancels.h"
#include "worker/feed.h"
#include "worker/lease.h"
#include "worker/record.h"
#include "worker/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 1000,
    REAP_LEASES = 5,
    PROMOTE_JOBS = 500,
    RECORD_TICKS = WORKER_BEAT_MS / TICK_MS,
    TRIM_TICKS = 60,
    LISTEN_MS = 5000,
};

struct tick {
    struct worker *worker;
    ev_timer timer;
    ev_timer due;
    ev_timer extend;
    unsigned count;
    struct link *listener;
    char (*last_id)[48]; /* of each feed's control stream */
    int listening;
};

/* ---- reaping and promoting --------------------------------------------------------- */

static void reap(struct feed *feed);
static void promote(struct feed *feed);

static void ignore(void *arg, struct answer *answer)
{
    (void)arg, (void)answer;
}

void tick_send_quietly(struct worker *worker, const struct cmd *cmd)
{
    link_send(worker->link, cmd, 0, 0, ignore, worker);
}

/* A lease id begins with the id of the worker that held it. */
static struct bytes holder_of(struct bytes lease)
{
    const char *colon = memchr(lease.at, ':', lease.len);
    return colon != NULL ? (struct bytes){lease.at, (size_t)(colon - lease.at)} : lease;
}

/* Tell the fleet whose jobs were taken back. `taken`: lease ids, and the jobs of each. */
static void note_lost(const struct feed *feed, const struct redisReply *taken)
{
    struct worker *worker = feed->worker;
    script_lost(&worker->cmd);
    for (size_t i = 0; i + 1 < reply_count(taken); i += 2) {
        struct bytes lease = reply_bytes(reply_at(taken, i));
        int64_t jobs = reply_int(reply_at(taken, i + 1), 0);
        log_warn("recovered", log_text("queue", feed->queue.name),
                 log_bytes("lease", lease), log_number("jobs", jobs));
        cmd_add(&worker->cmd, holder_of(lease));
        cmd_add_int(&worker->cmd, jobs);
    }
    tick_send_quietly(worker, &worker->cmd);
}

static void on_reaped(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    int64_t sent_mono_ms = feed->reaping_mono_ms;
    feed->reaping_mono_ms = 0;
    if (answer->code == LEAT_EBUSY)
        worker_excuse(feed->worker);
    else if (answer->code == LEAT_OK && feed_abstains(feed))
        feed_progressed(feed);
    if (answer->code != LEAT_OK)
        return;
    int64_t leases = reply_int(reply_at(answer->reply, 0), 0);
    int64_t jobs = reply_int(reply_at(answer->reply, 1), 0);
    int64_t staged = reply_int(reply_at(answer->reply, 4), 0);
    int waited = feed->suspects;
    /* Those of a paused queue must not make the others wait for an empty worker. */
    feed->suspects = feed->paused || feed->worker->config->leave_suspects
                         ? 0
                         : (int)reply_int(reply_at(answer->reply, 2), 0);
    worker_note_time(feed->worker, reply_int(reply_at(answer->reply, 3), 0), sent_mono_ms,
                     clock_mono_ms());
    if (jobs > 0)
        note_lost(feed, reply_at(answer->reply, 5));
    if (leases == REAP_LEASES)
        reap(feed);
    /* Reaped, or left behind by a bell. With a suspect waiting the bells are not armed
     * again, so whatever comes meanwhile is found only by looking. */
    if ((staged > 0 || feed->suspects > 0) && feed->state == FEED_IDLE)
        feed_wake(feed);
    else if (feed->suspects > 0 || waited > 0) /* also when others took them */
        worker_pump(feed->worker);
}

static void reap(struct feed *feed)
{
    struct worker *worker = feed->worker;
    int64_t now_mono_ms = clock_mono_ms();
    if (feed->reaping_mono_ms > 0)
        return; /* a second one would tell no more, and was not sent then */
    script_reap(&worker->cmd, &feed->queue, REAP_LEASES);
    if (link_send(worker->link, &worker->cmd, 0, 0, on_reaped, feed) == LEAT_OK)
        feed->reaping_mono_ms = now_mono_ms;
}

static void on_promoted(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    if (answer->code != LEAT_OK)
        return;
    int64_t moved = reply_int(reply_at(answer->reply, 0), 0);
    int64_t next_ms = reply_int(reply_at(answer->reply, 1), -1);
    if (moved == PROMOTE_JOBS)
        promote(feed);
    else if (next_ms >= 0)
        tick_due_in(feed->worker->tick, next_ms);
    if (moved > 0 && feed->state == FEED_IDLE)
        feed_wake(feed);
}

static void promote(struct feed *feed)
{
    script_promote(&feed->worker->cmd, &feed->queue, PROMOTE_JOBS);
    link_send(feed->worker->link, &feed->worker->cmd, 0, 0, on_promoted, feed);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct tick *tick = watcher->data;
    for (int i = 0; i < tick->worker->feed_count; i++)
        promote(&tick->worker->feeds[i]);
}

void tick_due_in(struct tick *tick, int64_t ms)
{
    struct ev_loop *loop = tick->worker->loop;
    double seconds = (double)(ms + 1) / 1000;
    if (ms > TICK_MS)
        return; /* the tick looks again before that */
    if (ev_is_active(&tick->due) && ev_timer_remaining(loop, &tick->due) <= seconds)
        return;
    ev_timer_stop(loop, &tick->due);
    ev_timer_set(&tick->due, seconds, 0);
    ev_timer_start(loop, &tick->due);
}

/* ---- extending --------------------------------------------------------------------- */

static void abandon_lease(struct worker *worker, struct bytes id)
{
    for (struct run *run = worker->runs; run != NULL; run = run->next)
        if (bytes_is(id, run->lease)) {
            run_lost(run);
            return;
        }
    for (struct attempt *it = worker->attempts.first; it != NULL; it = it->next)
        if (bytes_is(id, it->lease)) {
            flight_abandon(flight_of(it), JOB_ABANDONED, "its lease was gone");
            return;
        }
}

static void on_extended(void *arg, struct answer *answer)
{
    struct feed *feed = arg;
    feed->extending = 0;
    for (size_t i = 0; i < reply_count(answer->reply); i++)
        abandon_lease(feed->worker, reply_bytes(reply_at(answer->reply, i)));
    for (struct run *run = feed->worker->runs; run != NULL; run = run->next)
        if (run->feed == feed)
            run_extended(run, answer->code == LEAT_OK);
    worker_pump(feed->worker);
}

/* Every lease still in hand: what runs, and what waits for Redis to take its settle. */
static int add_leases(struct cmd *cmd, const struct feed *feed)
{
    int64_t now_mono_ms = clock_mono_ms();
    int count = 0;
    for (struct attempt *it = feed->worker->attempts.first; it != NULL; it = it->next)
        if (it->feed == feed && it->type->handler == NULL && ++count)
            cmd_adds(cmd, it->lease);
    for (struct run *it = feed->worker->runs; it != NULL; it = it->next)
        if (it->feed == feed && ++count) {
            cmd_adds(cmd, it->lease);
            run_ask(it, now_mono_ms);
        }
    for (struct lease *it = feed->worker->leases; it != NULL; it = it->next)
        if (it->feed == feed && it->jobs > 0 && ++count)
            cmd_adds(cmd, it->id);
    return count;
}

/* One at a time: what a run asked for is then what the answer is about. */
static void extend(struct feed *feed)
{
    struct worker *worker = feed->worker;
    if (feed->extending)
        return;
    script_extend(&worker->cmd, &feed->queue, worker->config->lease_ms);
    if (add_leases(&worker->cmd, feed) > 0)
        feed->extending =
            link_send(worker->link, &worker->cmd, 0, 0, on_extended, feed) == LEAT_OK;
}

static void on_extend(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = ((struct tick *)watcher->data)->worker;
    for (int i = 0; i < worker->feed_count; i++)
        extend(&worker->feeds[i]);
}

/* ---- the tick ---------------------------------------------------------------------- */

static void trim(struct feed *feed)
{
    script_trim(&feed->worker->cmd, &feed->queue);
    tick_send_quietly(feed->worker, &feed->worker->cmd);
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct tick *tick = watcher->data;
    struct worker *worker = tick->worker;
    int64_t next_ms = TICK_MS * 8 / 10 + (int64_t)rnd_below(TICK_MS * 4 / 10);
    ev_timer_set(watcher, (double)next_ms / 1000, 0);
    ev_timer_start(loop, watcher);
    if (!link_is_up(worker->link))
        return;
    for (int i = 0; i < worker->feed_count; i++) {
        reap(&worker->feeds[i]);
        promote(&worker->feeds[i]);
        if (tick->count % TRIM_TICKS == 0)
            trim(&worker->feeds[i]);
    }
    if (tick->count % RECORD_TICKS == 0) {
        listing_renew(worker);
        record_send(worker);
    }
    tick->count++;
}

/* ---- the control streams ----------------------------------------------------------- */

static void listen(struct tick *tick);

static int feed_of_stream(const struct worker *worker, struct bytes key)
{
    for (int i = 0; i < worker->feed_count; i++)
        if (bytes_is(key, worker->feeds[i].queue.ctl))
            return i;
    return -1;
}

/* Something is scheduled earlier than anything before. */
static void hear_due(struct feed *feed, const struct redisReply *value,
                     const struct redisReply *fields)
{
    (void)fields;
    int64_t due_ms = reply_int(value, -1);
    int64_t in_ms = due_ms - worker_redis_now_ms(feed->worker);
    if (due_ms >= 0)
        tick_due_in(feed->worker->tick, in_ms > 0 ? in_ms : 0);
}

/* The queue is paused no more. */
static void hear_resume(struct feed *feed, const struct redisReply *value,
                        const struct redisReply *fields)
{
    (void)value, (void)fields;
    if (feed->paused)
        feed_wake(feed);
}

/* A job is not to start, or to be stopped. */
static void hear_cancel(struct feed *feed, const struct redisReply *value,
                        const struct redisReply *fields)
{
    cancels_hear(feed->cancels, reply_bytes(value),
                 reply_bytes(reply_field(fields, "re")),
                 reply_int(reply_field(fields, "until"), 0));
}

/* A cancel may be used up. */
static void hear_cancelled(struct feed *feed, const struct redisReply *value,
                           const struct redisReply *fields)
{
    (void)fields;
    cancels_doubt(feed->cancels, reply_bytes(value));
}

static const struct {
    const char *name; /* of the field that says it */
    void (*hear)(struct feed *feed, const struct redisReply *value,
                 const struct redisReply *fields);
} topics[] = {
    {"due", hear_due},
    {"resume", hear_resume},
    {"cancel", hear_cancel},
    {"cancelled", hear_cancelled},
};

static void on_message(struct feed *feed, const struct redisReply *fields)
{
    for (unsigned i = 0; i < sizeof topics / sizeof *topics; i++) {
        const struct redisReply *value = reply_field(fields, topics[i].name);
        if (value != NULL)
            topics[i].hear(feed, value, fields);
    }
}

static void on_heard(void *arg, struct answer *answer)
{
    struct tick *tick = arg;
    tick->listening = 0;
    for (size_t s = 0; s < reply_count(answer->reply); s++) {
        const struct redisReply *stream = reply_at(answer->reply, s);
        const struct redisReply *messages = reply_at(stream, 1);
        int feed = feed_of_stream(tick->worker, reply_bytes(reply_at(stream, 0)));
        for (size_t m = 0; feed >= 0 && m < reply_count(messages); m++) {
            struct bytes id = reply_bytes(reply_at(reply_at(messages, m), 0));
            if (id.len < sizeof tick->last_id[feed]) {
                memcpy(tick->last_id[feed], id.at, id.len);
                tick->last_id[feed][id.len] = '\0';
            }
            on_message(&tick->worker->feeds[feed], reply_at(reply_at(messages, m), 1));
        }
    }
    if (answer->code == LEAT_OK)
        listen(tick);
}

static void listen(struct tick *tick)
{
    struct worker *worker = tick->worker;
    if (tick->listening || !link_is_up(tick->listener))
        return;
    cmd_set(&worker->cmd, "XREAD", "COUNT", "100", "BLOCK", NULL);
    cmd_add_int(&worker->cmd, LISTEN_MS);
    cmd_adds(&worker->cmd, "STREAMS");
    for (int i = 0; i < worker->feed_count; i++)
        cmd_adds(&worker->cmd, worker->feeds[i].queue.ctl);
    for (int i = 0; i < worker->feed_count; i++)
        cmd_adds(&worker->cmd, tick->last_id[i]);
    tick->listening = link_send(tick->listener, &worker->cmd, LINK_RETRY,
                                LISTEN_MS + LINK_PATIENCE_MS, on_heard, tick) == LEAT_OK;
}

/* Nothing said between two questions may be missed, so reading begins at a time, not at
 * `$`. */
static void on_time(void *arg, struct answer *answer)
{
    struct tick *tick = arg;
    int64_t now_s = reply_int(reply_at(answer->reply, 0), 0);
    for (int i = 0; i < tick->worker->feed_count; i++)
        if (tick->last_id[i][0] == '\0')
            snprintf(tick->last_id[i], sizeof tick->last_id[i], "%lld000-0",
                     (long long)now_s);
    if (answer->code == LEAT_OK)
        listen(tick);
}

static void on_listener_up(void *arg)
{
    struct tick *tick = arg;
    cmd_set(&tick->worker->cmd, "TIME", NULL);
    link_send(tick->listener, &tick->worker->cmd, LINK_RETRY, 0, on_time, tick);
    for (int i = 0; i < tick->worker->feed_count; i++)
        cancels_load(tick->worker->feeds[i].cancels); /* more than the stream keeps */
}

static void on_listener_fatal(void *arg, const struct err *err)
{
    worker_fail(((struct tick *)arg)->worker, err);
}

/* ---- life -------------------------------------------------------------------------- */

struct tick *tick_new(struct worker *worker)
{
    struct tick *tick = xcalloc(1, sizeof *tick);
    double third_s = (double)worker->config->lease_ms / 3000;
    tick->worker = worker;
    ev_timer_init(&tick->timer, on_tick, 0, 0);
    ev_timer_init(&tick->due, on_due, 0, 0);
    ev_timer_init(&tick->extend, on_extend, third_s, third_s);
    tick->timer.data = tick->due.data = tick->extend.data = tick;
    ev_timer_set(&tick->timer, 0.01, 0);
    ev_timer_start(worker->loop, &tick->timer);
    ev_timer_start(worker->loop, &tick->extend);
    tick->last_id = xcalloc((size_t)worker->feed_count, sizeof *tick->last_id);
    struct link_config config = {.url = worker->config->url,
                                 .name = "leat-listener",
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = tick,
                                 .on_up = on_listener_up,
                                 .on_fatal = on_listener_fatal};
    tick->listener = link_new(worker->loop, &config);
    return tick;
}

void tick_free(struct tick *tick)
{
    struct ev_loop *loop = tick->worker->loop;
    ev_timer_stop(loop, &tick->timer);
    ev_timer_stop(loop, &tick->due);
    ev_timer_stop(loop, &tick->extend);
    link_free(tick->listener);
    free(tick->last_id);
    free(tick);
}
