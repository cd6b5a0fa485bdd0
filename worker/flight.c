/* SPDX-License-Identifier: MIT */
#include "worker/flight.h"
#include "worker/cancels.h"
#include "broker/script_call.h"
#include "schema/then.h"
#include "worker/follow.h"
#include "worker/refresh.h"
#include "worker/tick.h"
#include "worker/tracking.h"

#include <stdlib.h>

static struct worker *worker_of(const struct flight *flight)
{
    return flight->attempt.feed->worker;
}

/* The lease it came with is freed before it ends: it keeps a copy of its own. */
static void keep_entry(struct flight *flight, const struct entry *from)
{
    struct entry *entry = &flight->attempt.entry;
    *entry = *from;
    entry->iid = bytes_of(arena_dup(&flight->arena, from->iid));
    entry->tokens.at = arena_dup(&flight->arena, from->tokens);
    entry->payload.at = arena_dup(&flight->arena, from->payload);
    entry->error = (struct bytes){"", 0};
    entry->slot = (struct bytes){"", 0}; /* its claim gives it one anew */
}

int flight_new(struct flight **out, struct feed *feed, const struct job_type *type,
               const struct entry *entry, struct err *err)
{
    struct flight *flight = xcalloc(1, sizeof *flight);
    struct attempt *attempt = &flight->attempt;
    attempt->feed = feed;
    attempt->type = type;
    attempt->lease = flight->lease;
    keep_entry(flight, entry);
    int code =
        envelope_read(&attempt->envelope, attempt->entry.payload, &flight->arena, err);
    if (code == LEAT_OK)
        code = refresh_prepare(flight, err);
    flight->follows = attempt->envelope.then.len > 0;
    if (code == LEAT_OK && flight->follows)
        code = then_make(&flight->then, attempt->envelope.then, bytes_of(""),
                         &flight->arena, err);
    if (code != LEAT_OK) {
        arena_fini(&flight->arena);
        free(flight);
        return code;
    }
    worker_next_lease(feed->worker, flight->lease);
    feed->worker->slots_free--;
    feed->worker->held_jobs++;
    *out = flight;
    return LEAT_OK;
}

void flight_free(struct flight *flight)
{
    struct worker *worker = worker_of(flight);
    struct attempt *attempt = &flight->attempt;
    if (attempt->started_mono_ms > 0) {
        attempt_end(attempt);
    } else {
        *attempt->link_here = attempt->next;
        if (attempt->next != NULL)
            attempt->next->link_here = attempt->link_here;
    }
    worker->held_jobs--;
    worker_slot_free(worker, attempt->solo);
    arena_fini(&flight->arena);
    free(flight);
}

/* Redis has answered the command that ends it; `ended` 0: its lease was gone. */
static void tell_end(const struct flight *flight, int64_t ended)
{
    struct joblog job = attempt_log(&flight->attempt, flight->attempt.error);
    job.unsure = ended == 0;
    joblog_tell(ended == 2 ? JOB_OVERTAKEN : flight->attempt.end, &job);
}

static void tell(const struct flight *flight, const struct tracking_news *news)
{
    tracking_tell(&flight->attempt, flight->lease, TRACKING_KEEP_MS, news);
}

void flight_run(struct flight *flight)
{
    struct attempt *attempt = &flight->attempt;
    *attempt->link_here = attempt->next; /* the lease's claims */
    if (attempt->next != NULL)
        attempt->next->link_here = attempt->link_here;
    attempt_begin(attempt);
    attempt_tell(attempt, JOB_STARTED, NULL);
    tell(flight, &(struct tracking_news){.state = "running",
                                         .attempt = attempt->entry.fails + 1});
    refresh_start(flight);
}

/* The record first: it is written while the lease lives. */
void flight_release(const struct flight *flight)
{
    tell(flight, &(struct tracking_news){.state = "queued"});
    feed_release(flight->attempt.feed, flight->lease);
}

/* ---- ends -------------------------------------------------------------------------- */

/* `ended` is the first number of the answer. */
static void end(struct flight *flight, const struct answer *answer, int64_t ended)
{
    struct worker *worker = worker_of(flight);
    struct feed *feed = flight->attempt.feed;
    if (answer->code != LEAT_OK) {
        attempt_tell(&flight->attempt, JOB_GIVEN_BACK, answer->text);
        flight_release(flight);
        feed_refused(feed, answer);
    } else {
        tell_end(flight, ended);
    }
    flight_free(flight);
    worker_pump(worker);
}

static void on_settled(void *arg, struct answer *answer)
{
    end(arg, answer, reply_int(reply_at(answer->reply, 0), 0));
}

/* A worker that is leaving has given back what ran, but not what was about to land. */
static void start_again(struct flight *flight)
{
    if (worker_of(flight)->state != WORKER_LEAVING) {
        refresh_start(flight);
        return;
    }
    attempt_tell(&flight->attempt, JOB_GIVEN_BACK, NULL);
    flight_release(flight);
    flight_free(flight);
}

static void on_landed(void *arg, struct answer *answer)
{
    struct flight *flight = arg;
    if (answer->code == LEAT_EBUSY) {
        flight->ending = 0;
        flight_retry(flight, answer->text, 0); /* no memory left for the copy */
    } else if (answer->code == LEAT_EFOREIGN && flight->follows) {
        flight->ending = 0;
        /* If it is the queue's fault, that fails, too. */
        flight_die(flight, answer->text);
    } else if (answer->code == LEAT_OK && reply_int(answer->reply, 0) == -1) {
        flight->ending = 0;
        flight->whole = 1;
        start_again(flight);
    } else {
        int64_t ended = reply_int(answer->reply, 0);
        if (answer->code == LEAT_OK && ended > 0)
            worker_of(flight)->done++;
        end(flight, answer, ended);
    }
}

static int is_tracked(const struct flight *flight)
{
    return tracking_is_on(&flight->attempt.envelope);
}

struct cmd *flight_begin_land(struct flight *flight)
{
    struct feed *feed = flight->attempt.feed;
    struct cmd *cmd = &feed->worker->cmd, records = {0}, begun = {0};
    const struct queue *target = NULL;
    if (flight->follows) {
        target = follow_queue(feed, &flight->then, &flight->arena);
        flight->keys.record =
            follow_record(&begun, target, &flight->then, &flight->arena);
    }
    if (is_tracked(flight))
        cmd_add(&records, queue_record_key(&feed->queue, flight->attempt.envelope.id,
                                           &flight->arena));
    const struct script_keys more = {.targets = &target,
                                     .target_count = flight->follows,
                                     .records = &records,
                                     .begun = &begun};
    script_land(cmd, &feed->queue, flight->cache_key, flight->lease, &more);
    cmd_fini(&records);
    cmd_fini(&begun);
    return cmd;
}

/* Behind the arguments of the copy: who follows, and the record. */
static void add_news(struct flight *flight, struct cmd *cmd)
{
    if (!flight->follows && !is_tracked(flight))
        return;
    cmd_add_int(cmd, flight->follows);
    if (flight->follows)
        follow_add(cmd, worker_of(flight), flight->keys, &flight->then, &flight->arena);
    if (is_tracked(flight))
        tracking_write(cmd, TRACKING_KEEP_MS, &(struct tracking_news){.state = "done"});
}

void flight_land(struct flight *flight)
{
    struct cmd *cmd = &worker_of(flight)->cmd;
    add_news(flight, cmd);
    flight->ending = 1;
    flight->attempt.end = JOB_DONE;
    link_send(worker_of(flight)->link, cmd, LINK_RESEND | LINK_RETRY, 0, on_landed,
              flight);
}

/* A settlement of its lease, which has one job, and that with this outcome. */
static struct settlement *begin_settle(struct flight *flight, enum outcome outcome)
{
    struct worker *worker = worker_of(flight);
    flight->ending = 1;
    tally_reset(&worker->tally);
    settlement_reset(&worker->settlement);
    settlement_add(&worker->settlement, outcome);
    return &worker->settlement;
}

static void send_settle(struct flight *flight, const struct tracking_news *news)
{
    struct worker *worker = worker_of(flight);
    const struct attempt *attempt = &flight->attempt;
    const struct queue *queue = &attempt->feed->queue;
    tracking_add(&worker->settlement, queue, &attempt->envelope, TRACKING_KEEP_MS, news,
                 &flight->arena);
    settlement_write(&worker->settlement, &worker->cmd, queue, flight->lease,
                     &worker->tally);
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_settled,
              flight);
}

/* It failed: `delay_ms` until it runs again, or -1: it dies. */
static void settle_failure(struct flight *flight, const char *error, int64_t delay_ms)
{
    struct worker *worker = worker_of(flight);
    struct attempt *attempt = &flight->attempt;
    struct buf header = {0};
    int dies = delay_ms < 0;
    attempt->end = dies ? JOB_DIED : JOB_FAILED;
    attempt->error = arena_dup(&flight->arena, bytes_of(error));
    attempt->retry_in_ms = dies ? 0 : delay_ms;
    worker->failed++;
    worker->retried += !dies;
    attempt_write_header(&header, attempt, error);
    struct settlement *settlement =
        begin_settle(flight, dies ? OUTCOME_DEAD : OUTCOME_RETRY);
    cmd_add(&settlement->args, buf_bytes(&header));
    if (!dies)
        cmd_add_int(&settlement->args, delay_ms);
    send_settle(flight, &(struct tracking_news){
                            .state = dies ? "dead" : "retry",
                            .due_ms = dies ? 0 : worker_redis_now_ms(worker) + delay_ms,
                            .error = attempt->error});
    buf_fini(&header);
}

void flight_die(struct flight *flight, const char *error)
{
    flight->attempt.entry.fails++;
    settle_failure(flight, error, -1);
}

void flight_retry(struct flight *flight, const char *error, int64_t at_least_ms)
{
    int64_t delay_ms = attempt_back_off(&flight->attempt, at_least_ms);
    settle_failure(flight, error, delay_ms);
    if (delay_ms >= 0)
        tick_due_in(worker_of(flight)->tick, delay_ms);
}

int flight_cancel(struct flight *flight)
{
    struct attempt *attempt = &flight->attempt;
    attempt->cancelled = 1;
    if (flight->ending || flight->abandoned)
        return 0;
    if (flight->asking || attempt->started_mono_ms == 0)
        return 1; /* refresh.c looks before it fetches */
    refresh_cancel(flight);
    attempt->end = JOB_CANCELLED;
    struct settlement *settlement = begin_settle(flight, OUTCOME_CANCELLED);
    cmd_add(&settlement->args, attempt_id(attempt));
    cmd_adds(&settlement->args, "1");
    cancels_use(attempt->feed->cancels, attempt_id(attempt));
    send_settle(flight, &(struct tracking_news){.state = "cancelled"});
    return 1;
}

void flight_abandon(struct flight *flight, enum joblog_event event, const char *why)
{
    if (flight->ending || flight->abandoned)
        return; /* its settle decides, or finds the lease gone */
    attempt_tell(&flight->attempt, event, why);
    if (flight->asking) {
        flight->abandoned = 1;
        return;
    }
    refresh_cancel(flight);
    flight_free(flight);
}
