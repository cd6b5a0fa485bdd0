/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"
#include "worker/call.h"
#include "worker/cancels.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "worker/drain.h"
#include "worker/fetch.h"
#include "worker/flight.h"
#include "worker/feed.h"
#include "worker/lease.h"
#include "worker/record.h"
#include "worker/refresh.h"
#include "worker/run.h"
#include "worker/tick.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAVE_MS = 1000 }; /* for Redis to take back what is left */

/* ---- questions --------------------------------------------------------------------- */

int worker_is_ready(const struct worker *worker)
{
    return worker->asked || (worker->state == WORKER_QUIET && link_is_up(worker->link));
}

int worker_takes(const struct worker *worker)
{
    return worker->state == WORKER_RUNNING && worker->fatal.code == LEAT_OK;
}

void worker_excuse(struct worker *worker)
{
    worker->excused_mono_ms = clock_mono_ms();
}

int64_t worker_fetched_mono_ms(const struct worker *worker)
{
    int64_t last_mono_ms = INT64_MAX;
    for (int i = 0; i < worker->feed_count; i++) {
        int64_t mono_ms = feed_fetched_mono_ms(&worker->feeds[i]);
        last_mono_ms = mono_ms < last_mono_ms ? mono_ms : last_mono_ms;
    }
    return last_mono_ms;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t worker_alive_mono_ms(const struct worker *worker)
{
    int64_t tried_mono_ms =
        link_is_up(worker->link) ? 0 : link_tried_mono_ms(worker->link);
    return later(worker_fetched_mono_ms(worker),
                 later(tried_mono_ms, worker->excused_mono_ms));
}

int worker_bells_armed(const struct worker *worker)
{
    for (int i = 0; i < worker->feed_count; i++)
        if (feed_listens(&worker->feeds[i]))
            return 1;
    return 0;
}

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[] = {
        [WORKER_RUNNING] = "running",
        [WORKER_QUIET] = "quiet",
        [WORKER_STOPPING] = "stopping",
        [WORKER_LEAVING] = "stopping",
    };
    return names[state];
}

static int holds_nothing(const struct worker *worker)
{
    return worker->held_jobs == 0 && worker->reserving == 0 && worker->releasing == 0;
}

int worker_is_empty(const struct worker *worker)
{
    return holds_nothing(worker) && !worker_bells_armed(worker);
}

void worker_note_time(struct worker *worker, int64_t redis_now_ms, int64_t sent_mono_ms,
                      int64_t received_mono_ms)
{
    int64_t least_ms = redis_now_ms - received_mono_ms;
    int64_t most_ms = redis_now_ms - sent_mono_ms;
    if (worker->redis_ahead_ms < least_ms)
        worker->redis_ahead_ms = least_ms;
    else if (worker->redis_ahead_ms > most_ms)
        worker->redis_ahead_ms = most_ms;
}

int64_t worker_redis_now_ms(const struct worker *worker)
{
    return clock_mono_ms() + worker->redis_ahead_ms;
}

void worker_next_lease(struct worker *worker, char out[LIMIT_LEASE_ID_BYTES + 1])
{
    snprintf(out, LIMIT_LEASE_ID_BYTES + 1, "%s:%llu", worker->id,
             (unsigned long long)++worker->lease_number);
}

void worker_alarm(struct worker *worker, const char *text)
{
    if (strcmp(worker->alarm, text) == 0)
        return;
    snprintf(worker->alarm, sizeof worker->alarm, "%s", text);
    if (text[0] != '\0')
        log_error("alarm", log_text("text", text));
}

/* ---- the link ---------------------------------------------------------------------- */

static void on_time(void *arg, struct answer *answer)
{
    struct worker *worker = arg;
    if (answer->code != LEAT_OK)
        return;
    int64_t now_ms = reply_int(reply_at(answer->reply, 0), 0) * 1000 +
                     reply_int(reply_at(answer->reply, 1), 0) / 1000;
    worker_note_time(worker, now_ms, worker->asked_mono_ms, clock_mono_ms());
    if (worker->started_ms == 0)
        worker->started_ms = now_ms;
}

/* Asked first, so it is answered before the first job is there to be judged by it. */
static void ask_time(struct worker *worker)
{
    worker->asked_mono_ms = clock_mono_ms();
    cmd_set(&worker->cmd, "TIME", NULL);
    link_send(worker->link, &worker->cmd, 0, 0, on_time, worker);
}

static void on_up(void *arg)
{
    struct worker *worker = arg;
    ask_time(worker);
    log_info("redis up", log_text("url", worker->config->url.shown),
             log_text("version", link_server_version(worker->link)));
    for (int i = 0; i < worker->feed_count; i++)
        cancels_load(worker->feeds[i].cancels);
    listing_renew(worker);
    worker_pump(worker);
}

static void on_down(void *arg, const char *why)
{
    struct worker *worker = arg;
    log_warn("redis lost", log_text("url", worker->config->url.shown),
             log_text("err", why));
}

static void on_fatal(void *arg, const struct err *err)
{
    worker_fail(arg, err);
}

/* ---- life -------------------------------------------------------------------------- */

static void on_soon(struct ev_loop *loop, ev_prepare *watcher, int events);

static void on_grace(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct worker *worker = watcher->data;
    if (worker->state == WORKER_STOPPING)
        worker_leave(worker);
    else
        ev_break(loop, EVBREAK_ALL);
}

void worker_init(struct worker *worker, struct ev_loop *loop,
                 const struct worker_config *config)
{
    *worker = (struct worker){.loop = loop,
                              .config = config,
                              .slots_free = config->slots,
                              .shares = {.order = config->order}};
    rnd_id(worker->id);
    worker->redis_ahead_ms = clock_wall_ms() - clock_mono_ms(); /* until Redis tells */
    ev_timer_init(&worker->grace, on_grace, 0, 0);
    worker->grace.data = worker;
    struct link_config link = {.url = config->url,
                               .name = "leat-worker",
                               .serving = 1,
                               .protocol = LEAT_PROTOCOL,
                               .give_up_ms = -1,
                               .insist = config->insist,
                               .arg = worker,
                               .on_up = on_up,
                               .on_down = on_down,
                               .on_fatal = on_fatal};
    worker->link = link_new(loop, &link);
    worker->feeds = xcalloc((size_t)config->queue_count, sizeof *worker->feeds);
    for (int i = 0; i < config->queue_count; i++) {
        struct queue queue;
        int code = queue_init(&queue, config->queues[i], NULL);
        assert(code == LEAT_OK); /* main has looked */
        share_add(&worker->shares, config->weights[i] > 0 ? config->weights[i] : 1);
        feed_init(&worker->feeds[worker->feed_count++], worker, &queue);
    }
    worker->fetcher = fetcher_new(loop, config->guard);
    ev_prepare_init(&worker->soon, on_soon);
    ev_set_priority(&worker->soon, EV_MINPRI); /* in time for the link to send */
    worker->soon.data = worker;
    run_watch_init(worker);
    handlers_open(worker);
    worker->tick = tick_new(worker);
    if (config->drain != DRAIN_NO)
        worker->drain = drain_new(worker);
}

void worker_fini(struct worker *worker)
{
    while (worker->runs != NULL)
        run_free(worker->runs);
    while (worker->attempts.first != NULL) {
        refresh_cancel(flight_of(worker->attempts.first));
        flight_free(flight_of(worker->attempts.first));
    }
    while (worker->leases != NULL)
        lease_free(worker->leases);
    for (int i = 0; i < worker->feed_count; i++)
        feed_fini(&worker->feeds[i]);
    handlers_close(worker);
    ev_timer_stop(worker->loop, &worker->watch);
    ev_clear_pending(worker->loop, &worker->soon);
    drain_free(worker->drain);
    tick_free(worker->tick);
    fetcher_free(worker->fetcher);
    link_free(worker->link);
    ev_timer_stop(worker->loop, &worker->grace);
    settlement_fini(&worker->settlement);
    cmd_fini(&worker->cmd);
    free(worker->feeds);
}

/* What is held goes back first, so that the end costs no job a delivery. */
void worker_fail(struct worker *worker, const struct err *err)
{
    if (worker->fatal.code == LEAT_OK)
        worker->fatal = *err;
    if (link_is_up(worker->link))
        worker_leave(worker);
    else
        ev_break(worker->loop, EVBREAK_ALL);
}

int worker_cancel(struct worker *worker, const struct feed *feed, struct bytes id)
{
    int count = 0;
    struct attempt *next;
    for (const struct lease *it = worker->leases; it != NULL; it = it->next)
        if (it->feed == feed)
            count += lease_cancel(it, id);
    for (struct run *run = worker->runs; run != NULL; run = run->next)
        if (run->feed == feed)
            count += run_cancel(run, id);
    for (struct attempt *it = worker->attempts.first; it != NULL; it = next) {
        next = it->next;
        if (it->feed == feed && it->type->handler == NULL && attempt_is(it, id))
            count += flight_cancel(flight_of(it));
    }
    return count;
}

/* ---- being quiet ------------------------------------------------------------------- */

void worker_quiet(struct worker *worker)
{
    if (worker->state != WORKER_RUNNING)
        return;
    log_info("quiet", log_number("running", worker->attempts.count),
             log_number("held", worker->held_jobs));
    worker->state = WORKER_QUIET;
    for (int i = 0; i < worker->feed_count; i++)
        feed_fall_silent(&worker->feeds[i]);
}

void worker_go_on(struct worker *worker)
{
    if (worker->state != WORKER_QUIET)
        return;
    log_info("taking jobs again", log_number("running", worker->attempts.count));
    worker->state = WORKER_RUNNING;
    for (int i = 0; i < worker->feed_count; i++)
        feed_listen(&worker->feeds[i]);
    worker_pump(worker);
}

/* ---- stopping ---------------------------------------------------------------------- */

static void set_grace(struct worker *worker, int64_t ms)
{
    ev_timer_stop(worker->loop, &worker->grace);
    ev_timer_set(&worker->grace, (double)ms / 1000, 0);
    if (ms > 0)
        ev_timer_start(worker->loop, &worker->grace);
}

static void leave_flights(struct worker *worker)
{
    struct attempt *next;
    for (struct attempt *it = worker->attempts.first; it != NULL; it = next) {
        next = it->next;
        struct flight *flight = flight_of(it); /* calls have left the list */
        if (!flight->ending)
            flight_release(flight);
        flight_abandon(flight, JOB_GIVEN_BACK, "the worker stops");
    }
}

/* Give back what still runs; what it did meanwhile counts for nothing. */
void worker_leave(struct worker *worker)
{
    if (worker->state == WORKER_LEAVING)
        return;
    worker->state = WORKER_LEAVING;
    set_grace(worker, LEAVE_MS);
    for (struct run *run = worker->runs; run != NULL; run = run->next)
        run_leave(run);
    leave_flights(worker);
    worker_pump(worker);
}

/* What has ended, or still runs, is worth waiting for a Redis that is away. */
static int holds_work(const struct worker *worker)
{
    if (worker->attempts.count > 0)
        return 1;
    for (const struct run *run = worker->runs; run != NULL; run = run->next)
        if (run_has_ends(run))
            return 1;
    return 0;
}

void worker_stop(struct worker *worker, int64_t grace_ms)
{
    if (worker->state == WORKER_LEAVING)
        return;
    if (worker->state != WORKER_STOPPING)
        log_info("stopping", log_number("running", worker->attempts.count),
                 log_number("held", worker->held_jobs));
    worker->state = WORKER_STOPPING;
    set_grace(worker, grace_ms);
    for (struct run *run = worker->runs; run != NULL; run = run->next)
        run_give_back_waiting(run);
    for (int i = 0; i < worker->feed_count; i++)
        feed_fall_silent(&worker->feeds[i]);
    if (!holds_work(worker) && !link_is_up(worker->link))
        worker_leave(worker); /* Redis may be gone for long */
    worker_pump(worker);
}

static void on_goodbye(void *arg, struct answer *answer)
{
    struct worker *worker = arg;
    (void)answer;
    ev_break(worker->loop, EVBREAK_ALL);
}

/* Nothing is left but our record. */
static void say_goodbye(struct worker *worker)
{
    if (worker->said_goodbye)
        return;
    worker->said_goodbye = 1;
    if (record_withdraw(worker, on_goodbye, worker) != LEAT_OK)
        ev_break(worker->loop, EVBREAK_ALL);
}

static void on_soon(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    worker_pump(watcher->data);
}

void worker_pump_soon(struct worker *worker)
{
    if (!ev_is_pending(&worker->soon))
        ev_feed_event(worker->loop, &worker->soon, EV_CUSTOM);
}

void worker_slot_free(struct worker *worker, int solo)
{
    worker->slots_free++;
    if (solo)
        worker->solo_last_mono_ms = clock_mono_ms();
    for (int i = 0; i < worker->feed_count; i++)
        feed_slot_free(&worker->feeds[i]);
}

void worker_pump(struct worker *worker)
{
    for (int i = 0; i < worker->config->handler_count; i++)
        handler_pump(&worker->handlers[i]);
    if (worker->state != WORKER_RUNNING) {
        if (worker->state != WORKER_QUIET && holds_nothing(worker))
            say_goodbye(worker);
        return;
    }
    int hungry = 0, order[SHARE_MAX];
    for (int i = 0; i < worker->feed_count; i++)
        feed_note(&worker->feeds[i]);
    share_sort(&worker->shares, order);
    for (int i = 0; i < worker->feed_count; i++) {
        struct feed *feed = &worker->feeds[order[i]];
        feed_pump(feed);
        hungry += feed->state == FEED_HUNGRY || feed->suspects > 0;
    }
    if (worker->drain != NULL && hungry == 0 && worker_is_empty(worker))
        drain_ask(worker);
}
