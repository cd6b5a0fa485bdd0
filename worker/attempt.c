/* SPDX-License-Identifier: MIT */
#include "worker/attempt.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "broker/script_call.h"
#include "worker/tick.h"

#include <stdlib.h>

static struct worker *worker_of(const struct attempt *attempt)
{
    return attempt->feed->worker;
}

int attempt_new(struct attempt **out, struct feed *feed, const struct job_type *type,
                const struct entry *entry, struct err *err)
{
    struct attempt *attempt = xcalloc(1, sizeof *attempt);
    attempt->feed = feed;
    attempt->type = type;
    /* The lease it came with is freed before it ends: it keeps a copy of its own. */
    attempt->entry = *entry;
    attempt->entry.iid = bytes_of(arena_dup(&attempt->arena, entry->iid));
    attempt->entry.tokens.at = arena_dup(&attempt->arena, entry->tokens);
    attempt->entry.payload.at = arena_dup(&attempt->arena, entry->payload);
    attempt->entry.error = (struct bytes){"", 0};
    attempt->entry.slot = (struct bytes){"", 0}; /* its claim gives it one anew */
    int code =
        envelope_read(&attempt->envelope, attempt->entry.payload, &attempt->arena, err);
    if (code == LEAT_OK)
        code = type->prepare(attempt, err);
    if (code != LEAT_OK) {
        arena_fini(&attempt->arena);
        free(attempt);
        return code;
    }
    worker_next_lease(feed->worker, attempt->lease);
    feed->worker->slots_free--;
    feed->worker->held_jobs++;
    *out = attempt;
    return LEAT_OK;
}

static void unlink_attempt(struct attempt *attempt)
{
    *attempt->link_here = attempt->next;
    if (attempt->next != NULL)
        attempt->next->link_here = attempt->link_here;
}

void attempt_free(struct attempt *attempt)
{
    struct worker *worker = worker_of(attempt);
    unlink_attempt(attempt);
    if (attempt->started_mono_ms > 0)
        worker->attempts.count--;
    worker->slots_free++;
    worker->held_jobs--;
    if (attempt->solo)
        worker->solo_last_mono_ms = clock_mono_ms();
    for (int i = 0; i < worker->feed_count; i++)
        feed_slot_free(&worker->feeds[i]);
    arena_fini(&attempt->arena);
    free(attempt);
}

void attempt_run(struct attempt *attempt)
{
    struct worker *worker = worker_of(attempt);
    unlink_attempt(attempt);
    attempt->next = worker->attempts.first;
    attempt->link_here = &worker->attempts.first;
    if (attempt->next != NULL)
        attempt->next->link_here = &attempt->next;
    worker->attempts.first = attempt;
    worker->attempts.count++;
    attempt->started_mono_ms = clock_mono_ms();
    attempt->type->start(attempt);
}

/* ---- ends --------------------------------------------------------------------------- */

static void on_settled(void *arg, struct answer *answer)
{
    struct attempt *attempt = arg;
    struct worker *worker = worker_of(attempt);
    if (answer->code != LEAT_OK) {
        feed_release(attempt->feed, attempt->lease);
        feed_refused(attempt->feed, answer);
    }
    attempt_free(attempt);
    worker_pump(worker);
}

/* A worker that is leaving has given back what ran, but not what was about to land. */
static void start_again(struct attempt *attempt)
{
    struct worker *worker = worker_of(attempt);
    if (worker->state != WORKER_LEAVING) {
        attempt->type->start(attempt);
        return;
    }
    feed_release(attempt->feed, attempt->lease);
    attempt_free(attempt);
}

static void on_landed(void *arg, struct answer *answer)
{
    struct attempt *attempt = arg;
    if (answer->code == LEAT_EBUSY) {
        attempt->ending = 0;
        attempt_retry(attempt, answer->text, 0); /* no memory left for the copy */
    } else if (answer->code == LEAT_OK && reply_int(answer->reply, 0) == -1) {
        attempt->ending = 0;
        attempt->whole = 1;
        start_again(attempt);
    } else {
        if (answer->code == LEAT_OK && reply_int(answer->reply, 0) > 0)
            worker_of(attempt)->done++;
        on_settled(attempt, answer);
    }
}

void attempt_land(struct attempt *attempt, const struct cmd *cmd)
{
    attempt->ending = 1;
    link_send(worker_of(attempt)->link, cmd, LINK_RESEND | LINK_RETRY, 0, on_landed,
              attempt);
}

/* Settle a lease of one job with one outcome. */
static void settle_one(struct attempt *attempt, enum outcome outcome, const char *error,
                       int64_t delay_ms)
{
    struct worker *worker = worker_of(attempt);
    struct settlement *settlement = &worker->settlement;
    struct buf header = {0};
    if (attempt->entry.first_seen_ms == 0)
        attempt->entry.first_seen_ms = worker_redis_now_ms(worker);
    entry_write_header(&header, &attempt->entry, error);
    attempt->ending = 1;
    worker->failed++;
    worker->retried += outcome == OUTCOME_RETRY;
    tally_reset(&worker->tally);
    settlement_reset(settlement);
    settlement_add(settlement, outcome);
    cmd_add(&settlement->args, buf_bytes(&header));
    if (outcome == OUTCOME_RETRY)
        cmd_add_int(&settlement->args, delay_ms);
    settlement_write(settlement, &worker->cmd, &attempt->feed->queue, attempt->lease,
                     &worker->tally);
    link_send(worker->link, &worker->cmd, LINK_RESEND | LINK_RETRY, 0, on_settled,
              attempt);
    buf_fini(&header);
}

static void log_end(const struct attempt *attempt, const char *msg, const char *error,
                    int64_t delay_ms)
{
    log_warn(msg, log_text("queue", attempt->feed->queue.name),
             log_bytes("iid", attempt->entry.iid), log_text("type", attempt->type->name),
             log_number("fails", attempt->entry.fails),
             log_number("retry_in_ms", delay_ms), log_text("err", error));
}

void attempt_die(struct attempt *attempt, const char *error)
{
    attempt->entry.fails++;
    log_end(attempt, "job died", error, 0);
    settle_one(attempt, OUTCOME_DEAD, error, 0);
}

void attempt_retry(struct attempt *attempt, const char *error, int64_t at_least_ms)
{
    struct backoff policy = *attempt->type->backoff;
    uint64_t random = rnd_below(UINT64_MAX);
    envelope_backoff(&attempt->envelope, attempt->type->backoff, &policy, NULL);
    attempt->entry.fails++;
    if (attempt->entry.fails > policy.retries_max) {
        log_end(attempt, "job died", error, 0);
        settle_one(attempt, OUTCOME_DEAD, error, 0);
        return;
    }
    int64_t delay_ms = backoff_delay_ms(&policy, attempt->entry.fails, random);
    if (delay_ms < at_least_ms)
        delay_ms = at_least_ms;
    log_end(attempt, "job failed", error, delay_ms);
    settle_one(attempt, OUTCOME_RETRY, error, delay_ms);
    tick_due_in(worker_of(attempt)->tick, delay_ms);
}

void attempt_abandon(struct attempt *attempt)
{
    if (attempt->ending)
        return; /* its settle decides, or finds the lease gone */
    if (attempt->asking) {
        attempt->abandoned = 1;
        return;
    }
    attempt->type->cancel(attempt);
    attempt_free(attempt);
}
