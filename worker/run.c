/* SPDX-License-Identifier: MIT */
#include "worker/run.h"
#include "base/clock.h"
#include "broker/script_call.h"
#include "worker/feed.h"
#include "worker/lease.h"
#include "worker/outcome.h"
#include "worker/tracking.h"

#include <stdlib.h>
#include <string.h>

enum {
    FLUSH_MS = 5, /* how long an end waits for its neighbours' */
    /* And longer by what would have to move: that costs Redis about a microsecond each,
     * and may cost a twentieth of its time. */
    MOVES_PER_MS = 50,
    WAIT_MAX_MS = 500, /* how long a call waits for its handler */
    ARGS_MAX = 4000,   /* of one settle: what is more comes with the next */
    ARGS_BYTES_MAX = 1024 * 1024,
};

static struct worker *worker_of(const struct run *run)
{
    return run->feed->worker;
}

static void flush(struct run *run);

static void on_flush(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    flush(timer->data);
}

/* ---- the clock --------------------------------------------------------------------- */

static void watch_run(struct run *run, int64_t mono_ms)
{
    struct call *next;
    for (struct call *call = run->calls; call != NULL; call = next) {
        next = call->next;
        if (call->state == CALL_WAITING && mono_ms - call->taken_mono_ms > WAIT_MAX_MS)
            call_give_back(call, NULL);
        else
            call_watch(call, mono_ms);
    }
}

static int64_t bytes_left(const struct run *run)
{
    int64_t left = 0;
    for (const struct call *call = run->calls; call != NULL; call = call->next)
        left += call_bytes(call);
    return left;
}

/* One that runs for hours must not hold the memory of all that came with it: the worker
 * would soon hold too much to ask for more. */
static void shed(struct run *run)
{
    int64_t left = bytes_left(run);
    if (left > run->body_bytes / 2)
        return;
    for (struct call *call = run->calls; run->body != NULL && call != NULL;
         call = call->next)
        call_keep(call);
    reply_free(run->body);
    run->body = NULL;
    worker_of(run)->held_bytes -= run->body_bytes - left;
    run->body_bytes = left;
}

static void on_watch(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct worker *worker = timer->data;
    int64_t mono_ms = clock_mono_ms();
    (void)events;
    if (worker->runs == NULL)
        ev_timer_stop(loop, timer);
    for (struct run *run = worker->runs; run != NULL; run = run->next) {
        watch_run(run, mono_ms);
        shed(run);
    }
}

void run_watch_init(struct worker *worker)
{
    ev_timer_init(&worker->watch, on_watch, CALL_WATCH_MS / 1000.0,
                  CALL_WATCH_MS / 1000.0);
    worker->watch.data = worker;
}

/* ---- life -------------------------------------------------------------------------- */

static void list(struct run *run)
{
    struct worker *worker = worker_of(run);
    run->next = worker->runs;
    run->link_here = &worker->runs;
    if (run->next != NULL)
        run->next->link_here = &run->next;
    worker->runs = run;
    if (!ev_is_active(&worker->watch))
        ev_timer_again(worker->loop, &worker->watch);
}

/* It heard of these while Redis was asked whether they may begin. */
static void end_cancelled(struct run *run)
{
    for (struct call *call = run->calls; call != NULL; call = call->next)
        if (call->attempt.cancelled)
            call_cancelled(call);
}

void run_begin(struct lease *lease, const char *id, int64_t sent_mono_ms)
{
    struct run *run = xcalloc(1, sizeof *run);
    int64_t now_mono_ms = clock_mono_ms();
    run->feed = lease->feed;
    run->calls = lease->calls;
    run->body = lease->body;
    run->arena = lease->arena;
    run->body_bytes = lease->budget_bytes;
    run->solo = lease->solo;
    run->token = lease->reserved_us;
    run->extended_mono_ms = sent_mono_ms;
    run->wall_ahead_ms = clock_wall_ms() - now_mono_ms;
    memcpy(run->lease, id, strlen(id) + 1);
    ev_timer_init(&run->flush, on_flush, 0, 0);
    run->flush.data = run;
    list(run);
    lease->calls = NULL;
    lease->body = NULL;
    lease->arena = (struct arena){0};
    lease->budget_bytes = 0;
    for (struct call *call = run->calls; call != NULL; call = call->next) {
        call->run = run;
        call->taken_mono_ms = now_mono_ms;
        call->attempt.lease = run->lease;
        call->attempt.solo = lease->solo;
        run->count++;
        handler_take(call);
    }
    worker_of(run)->held_jobs += run->count;
    end_cancelled(run);
    worker_pump_soon(worker_of(run));
}

void run_free(struct run *run)
{
    struct worker *worker = worker_of(run);
    *run->link_here = run->next;
    if (run->next != NULL)
        run->next->link_here = run->link_here;
    worker->held_jobs -= run->count;
    worker->held_bytes -= run->body_bytes;
    for (struct call *call = run->calls; call != NULL; call = call->next)
        call_abandon(call, JOB_ABANDONED, NULL);
    ev_timer_stop(worker->loop, &run->flush);
    arena_fini(&run->arena);
    reply_free(run->body);
    free(run);
}

/* ---- its lease --------------------------------------------------------------------- */

int run_may_start(const struct run *run, int64_t now_mono_ms)
{
    int64_t ttl_ms = worker_of(run)->config->lease_ms;
    return !run->leaving && worker_of(run)->state == WORKER_RUNNING &&
           now_mono_ms <= run->extended_mono_ms + ttl_ms - lease_margin_ms(ttl_ms);
}

const char *run_lease(const struct run *run)
{
    return run->settling && run->moved[0] != '\0' ? run->moved : run->lease;
}

void run_ask(struct run *run, int64_t now_mono_ms)
{
    run->asked_mono_ms = now_mono_ms;
}

void run_extended(struct run *run, int success)
{
    if (success && run->asked_mono_ms > 0) {
        run->extended_mono_ms = run->asked_mono_ms;
        worker_pump_soon(worker_of(run));
    }
    run->asked_mono_ms = 0;
}

/* A settle on the way will find out by itself. */
void run_lost(struct run *run)
{
    if (run->settling)
        return;
    for (struct call *call = run->calls; call != NULL; call = call->next)
        call_abandon(call, JOB_ABANDONED, "its lease was gone");
    run_free(run);
}

/* ---- settling ---------------------------------------------------------------------- */

/* A script runs alone in Redis: what would make it long comes with the next settle. */
static int has_room(const struct run *run, const struct settlement *settlement)
{
    return settlement->args.count < ARGS_MAX && run->settling_bytes < ARGS_BYTES_MAX;
}

static void add_call(struct run *run, struct call *call, struct settlement *settlement)
{
    if (call->state == CALL_ENDED && has_room(run, settlement)) {
        call->state = CALL_SETTLING;
        run->settling_bytes += call->effect_bytes;
        outcome_add(settlement, call);
        return;
    }
    if (run->moved[0] == '\0') {
        worker_next_lease(worker_of(run), run->moved);
        settlement_stay(settlement, run->moved, worker_of(run)->config->lease_ms);
    }
    outcome_add_stay(settlement, call);
}

static void on_settled(void *arg, struct answer *answer);

/* A suspect that goes back stays one: RELEASE knows, by how often it was delivered. */
static int is_suspect_back(const struct run *run)
{
    return run->solo && run->calls != NULL && run->calls->outcome == OUTCOME_BACK;
}

static void release(struct run *run)
{
    struct worker *worker = worker_of(run);
    struct call *call = run->calls;
    call->state = CALL_SETTLING;
    tracking_tell(&call->attempt, run->lease, call->handler->config->keys.keep_ms,
                  &(struct tracking_news){.state = "queued"});
    script_release(&worker->cmd, &run->feed->queue);
    cmd_adds(&worker->cmd, run->lease);
}

static void settle(struct run *run)
{
    struct worker *worker = worker_of(run);
    tally_reset(&worker->tally);
    settlement_reset(&worker->settlement);
    for (struct call *call = run->calls; call != NULL; call = call->next)
        add_call(run, call, &worker->settlement);
    settlement_write(&worker->settlement, &worker->cmd, &run->feed->queue, run->lease,
                     &worker->tally);
}

static void flush(struct run *run)
{
    struct worker *worker = worker_of(run);
    ev_timer_stop(worker->loop, &run->flush);
    if (run->settling || run->ended == 0)
        return;
    run->settling = 1;
    run->moved[0] = '\0';
    run->settling_bytes = 0;
    if (is_suspect_back(run))
        release(run);
    else
        settle(run);
    run->settled_mono_ms = clock_mono_ms();
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_settled, run);
}

void run_ended(struct run *run)
{
    run->ended++;
    if (run->settling)
        return;
    if (run->ended == run->count)
        flush(run);
    else if (!ev_is_active(&run->flush)) {
        int moves = run->count - run->ended;
        int64_t wait_ms = FLUSH_MS + moves / MOVES_PER_MS;
        ev_timer_set(&run->flush, (double)wait_ms / 1000, 0);
        ev_timer_start(worker_of(run)->loop, &run->flush);
    }
}

/* Those that were settled leave; what is left has moved. */
static void drop_settled(struct run *run, int ended)
{
    struct worker *worker = worker_of(run);
    struct call **at = &run->calls, *gone = NULL;
    struct joblog_list told = {.is_long = run->ended > JOBLOG_LOUD_MAX};
    while (*at != NULL) {
        struct call *call = *at;
        if (call->state != CALL_SETTLING) {
            at = &call->next;
            continue;
        }
        struct joblog job = attempt_log(&call->attempt, call->attempt.error);
        joblog_keep(&told, &run->arena, call->attempt.end, &job);
        worker->done += ended && call->attempt.end == JOB_DONE;
        *at = call->next;
        call->next = gone;
        gone = call;
        run->ended--;
        run->count--;
        worker->held_jobs--;
    }
    joblog_tell_kept(&told, !ended);
    for (; gone != NULL; gone = gone->next)
        arena_fini(&gone->arena); /* what was told borrows from it */
}

static void note_refused(struct run *run, const struct redisReply *reply)
{
    int64_t index = 0;
    struct refusals refusals = outcome_refusals(reply);
    for (struct call *call = run->calls; call != NULL; call = call->next, index++)
        if (outcome_refused(&refusals, index)) {
            call->attempt.end = JOB_DIED;
            call->attempt.error = outcome_refusal_of(call);
            worker_of(run)->failed++;
        }
}

/* The lease was there, or an earlier copy of this settle had ended it. */
static void go_on(struct run *run, const struct redisReply *reply)
{
    int moved = run->moved[0] != '\0';
    int lives = bytes_is(reply_bytes(reply_at(reply, 1)), "run");
    int ended = reply_is_int(reply) ? reply_int(reply, 0) == 1
                                    : reply_int(reply_at(reply, 0), 0) == 1;
    note_refused(run, reply);
    drop_settled(run, ended || (moved && lives));
    if (run->calls == NULL) {
        run_free(run);
    } else if (!moved || !lives) {
        run_lost(run);
    } else {
        memcpy(run->lease, run->moved, sizeof run->lease);
        run->extended_mono_ms = run->settled_mono_ms;
        run->asked_mono_ms = 0; /* that was for the lease it has left */
        flush(run);
    }
}

/* As outcome_add() has it: by these a settle grows. */
static int needs_room(const struct call *call)
{
    const struct job_answer *answer = &call->answer;
    return answer->push_count > 0 ||
           (answer->result.len > 0 && tracking_is_on(&call->attempt.envelope));
}

/* Redis has no memory for what the jobs brought: those fail, the others end. */
static void refuse_effects(struct run *run, const char *why)
{
    for (struct call *call = run->calls; call != NULL; call = call->next)
        if (call->state == CALL_SETTLING) {
            call->state = CALL_ENDED;
            if (needs_room(call))
                call_refuse(call, why);
        }
    flush(run);
}

static void on_settled(void *arg, struct answer *answer)
{
    struct run *run = arg;
    struct feed *feed = run->feed;
    struct worker *worker = worker_of(run);
    run->settling = 0;
    if (answer->code == LEAT_OK) {
        feed_well(feed);
        go_on(run, answer->reply);
    } else if (answer->code == LEAT_EBUSY) {
        refuse_effects(run, answer->text);
    } else {
        feed_release(feed, run->lease);
        feed_refused(feed, answer);
        run_free(run);
    }
    worker_pump(worker);
}

/* ---- stopping and cancelling ------------------------------------------------------- */

void run_give_back_waiting(struct run *run)
{
    struct call *next;
    for (struct call *call = run->calls; call != NULL; call = next) {
        next = call->next;
        if (call->state == CALL_WAITING)
            call_give_back(call, NULL);
    }
}

int run_has_ends(const struct run *run)
{
    for (const struct call *call = run->calls; call != NULL; call = call->next)
        if (call->state >= CALL_ENDED && call->outcome != OUTCOME_BACK)
            return 1;
    return 0;
}

int run_cancel(struct run *run, struct bytes id)
{
    int count = 0;
    struct call *next;
    for (struct call *call = run->calls; call != NULL; call = next) {
        next = call->next;
        if (attempt_is(&call->attempt, id))
            count += call_cancelled(call);
    }
    return count;
}

void run_leave(struct run *run)
{
    run->leaving = 1;
    for (struct call *call = run->calls; call != NULL; call = call->next)
        if (call->state < CALL_ENDED)
            call_take_back(call, "the worker stops");
}
