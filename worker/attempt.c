/* SPDX-License-Identifier: MIT */
#include "worker/attempt.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "worker/feed.h"

void attempt_begin(struct attempt *attempt)
{
    struct worker *worker = attempt->feed->worker;
    attempt->next = worker->attempts.first;
    attempt->link_here = &worker->attempts.first;
    if (attempt->next != NULL)
        attempt->next->link_here = &attempt->next;
    worker->attempts.first = attempt;
    worker->attempts.count++;
    worker->attempts.solo += attempt->solo;
    attempt->started_mono_ms = clock_mono_ms();
}

void attempt_end(struct attempt *attempt)
{
    struct worker *worker = attempt->feed->worker;
    if (attempt->link_here == NULL)
        return;
    *attempt->link_here = attempt->next;
    if (attempt->next != NULL)
        attempt->next->link_here = attempt->link_here;
    attempt->link_here = NULL;
    attempt->ended_mono_ms = clock_mono_ms();
    worker->attempts.count--;
    worker->attempts.solo -= attempt->solo;
}

struct bytes attempt_id(const struct attempt *attempt)
{
    return attempt->envelope.id.len > 0 ? attempt->envelope.id : attempt->entry.iid;
}

int attempt_is(const struct attempt *attempt, struct bytes id)
{
    return bytes_equal(id, attempt->entry.iid) ||
           (id.len > 0 && bytes_equal(id, attempt->envelope.id));
}

static int64_t took_ms(const struct attempt *attempt)
{
    if (attempt->started_mono_ms == 0)
        return 0;
    int64_t until_mono_ms =
        attempt->ended_mono_ms > 0 ? attempt->ended_mono_ms : clock_mono_ms();
    return until_mono_ms - attempt->started_mono_ms;
}

struct joblog attempt_log(const struct attempt *attempt, const char *why)
{
    return (struct joblog){
        .queue = attempt->feed->queue.name,
        .lease = attempt->lease,
        .id = attempt->envelope.id,
        .iid = attempt->entry.iid,
        .type = attempt->envelope.type,
        .deliveries = attempt->entry.deliveries,
        .fails = attempt->entry.fails,
        .ms = took_ms(attempt),
        .retry_in_ms = attempt->retry_in_ms,
        .err = why,
    };
}

void attempt_tell(const struct attempt *attempt, enum joblog_event event, const char *why)
{
    struct joblog job = attempt_log(attempt, why);
    joblog_tell(event, &job);
}

int64_t attempt_back_off(struct attempt *attempt, int64_t at_least_ms)
{
    const struct worker_config *config = attempt->feed->worker->config;
    const struct backoff *fallback =
        types_backoff(attempt->type, config->policies, config->policy_count);
    struct backoff policy = *fallback;
    envelope_backoff(&attempt->envelope, fallback, &policy, NULL);
    attempt->entry.fails++;
    if (attempt->entry.fails > policy.retries_max)
        return -1;
    int64_t delay_ms =
        backoff_delay_ms(&policy, attempt->entry.fails, rnd_below(UINT64_MAX));
    return delay_ms > at_least_ms ? delay_ms : at_least_ms;
}

void attempt_write_header(struct buf *out, struct attempt *attempt, const char *error)
{
    if (attempt->entry.first_seen_ms == 0)
        attempt->entry.first_seen_ms = worker_redis_now_ms(attempt->feed->worker);
    entry_write_header(out, &attempt->entry, error);
}
