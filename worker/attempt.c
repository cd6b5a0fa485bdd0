/* SPDX-License-Identifier: MIT */
#include "worker/attempt.h"
#include "base/clock.h"
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

static struct joblog log_of(const struct attempt *attempt, const char *why)
{
    int64_t started_mono_ms = attempt->started_mono_ms;
    return (struct joblog){
        .queue = attempt->feed->queue.name,
        .lease = attempt->lease,
        .id = attempt->envelope.id,
        .iid = attempt->entry.iid,
        .type = attempt->envelope.type,
        .deliveries = attempt->entry.deliveries,
        .fails = attempt->entry.fails,
        .ms = started_mono_ms > 0 ? clock_mono_ms() - started_mono_ms : 0,
        .retry_in_ms = attempt->retry_in_ms,
        .err = why,
    };
}

void attempt_tell(const struct attempt *attempt, enum joblog_event event, const char *why)
{
    struct joblog job = log_of(attempt, why);
    joblog_tell(event, &job);
}

/* Redis has answered the command that ends it; `ended` 0: its lease was gone. */
static void tell_end(const struct attempt *attempt, int64_t ended)
{
    struct joblog job = log_of(attempt, attempt->error);
    job.unsure = ended == 0;
    joblog_tell(ended == 2 ? JOB_OVERTAKEN : attempt->end, &job);
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
    attempt_tell(attempt, JOB_STARTED, NULL);
    attempt->type->start(attempt);
}

/* ---- ends -------------------------------------------------------------------------- */

/* `ended` is the first number of the answer. */
static void end(struct attempt *attempt, const struct answer *answer, int64_t ended)
{
    struct worker *worker = worker_of(attempt);
    if (answer->code != LEAT_OK) {
        attempt_tell(attempt, JOB_GIVEN_BACK, answer->text);
        feed_release(attempt->feed, attempt->lease);
        feed_refused(attempt->feed, answer);
    } else {
        tell_end(attempt, ended);
    }
    attempt_free(attempt);
    worker_pump(worker);
}

static void on_settled(void *arg, struct answer *answer)
{
    end(arg, answer, reply_int(reply_at(answer->reply, 0), 0));
}

/* A worker that is leaving has given back what ran, but not what was about to land. */
static void start_again(struct attempt *attempt)
{
    struct worker *worker = worker_of(attempt);
    if (worker->state != WORKER_LEAVING) {
        attempt->type->start(attempt);
        return;
    }
    attempt_tell(attempt, JOB_GIVEN_BACK, NULL);
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
        int64_t ended = reply_int(answer->reply, 0);
        if (answer->code == LEAT_OK && ended > 0)
            worker_of(attempt)->done++;
        end(attempt, answer, ended);
    }
}

void attempt_land(struct attempt *attempt, const struct cmd *cmd)
{
    attempt->ending = 1;
    attempt->end = JOB_DONE;
    link_send(worker_of(attempt)->link, cmd, LINK_RESEND | LINK_RETRY, 0, on_landed,
              attempt);
}

/* Settle a lease of one job with one outcome. */
static void settle_one(struct attempt *attempt, enum outcome outcome, const char *error,
                       int64_t delay_ms)
{
    attempt->end = outcome == OUTCOME_RETRY ? JOB_FAILED : JOB_DIED;
    attempt->error = arena_dup(&attempt->arena, bytes_of(error));
    attempt->retry_in_ms = delay_ms;
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

void attempt_die(struct attempt *attempt, const char *error)
{
    attempt->entry.fails++;
    settle_one(attempt, OUTCOME_DEAD, error, 0);
}

void attempt_retry(struct attempt *attempt, const char *error, int64_t at_least_ms)
{
    const struct worker_config *config = worker_of(attempt)->config;
    const struct backoff *fallback =
        types_backoff(attempt->type, config->policies, config->policy_count);
    struct backoff policy = *fallback;
    uint64_t random = rnd_below(UINT64_MAX);
    envelope_backoff(&attempt->envelope, fallback, &policy, NULL);
    attempt->entry.fails++;
    if (attempt->entry.fails > policy.retries_max) {
        settle_one(attempt, OUTCOME_DEAD, error, 0);
        return;
    }
    int64_t delay_ms = backoff_delay_ms(&policy, attempt->entry.fails, random);
    if (delay_ms < at_least_ms)
        delay_ms = at_least_ms;
    settle_one(attempt, OUTCOME_RETRY, error, delay_ms);
    tick_due_in(worker_of(attempt)->tick, delay_ms);
}

void attempt_abandon(struct attempt *attempt, enum joblog_event event, const char *why)
{
    if (attempt->ending || attempt->abandoned)
        return; /* its settle decides, or finds the lease gone */
    attempt_tell(attempt, event, why);
    if (attempt->asking) {
        attempt->abandoned = 1;
        return;
    }
    attempt->type->cancel(attempt);
    attempt_free(attempt);
}
