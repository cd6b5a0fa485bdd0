/* SPDX-License-Identifier: MIT */
#include "worker/outcome.h"
#include "schema/queue.h"
#include "worker/feed.h"
#include "worker/tick.h"

#include <assert.h>

/* ---- headers ----------------------------------------------------------------------- */

static const char *header_of(struct call *call, const char *error)
{
    struct buf header = {0};
    attempt_write_header(&header, &call->attempt, error);
    const char *kept = arena_dup(&call->arena, buf_bytes(&header));
    buf_fini(&header);
    return kept;
}

/* As it is, if it has a header already. */
static const char *header_if_bare(struct call *call)
{
    return call->headed ? "" : header_of(call, NULL);
}

/* ---- follow-ups -------------------------------------------------------------------- */

/* The queue it goes to; one of another name is listed. */
static const struct queue *queue_of(struct call *call, const struct follow_up *push)
{
    struct feed *feed = call->attempt.feed;
    if (push->queue.len == 0 || bytes_is(push->queue, feed->queue.name))
        return &feed->queue;
    struct queue *queue = arena_alloc(&call->arena, sizeof *queue);
    int code = queue_init(queue, arena_dup(&call->arena, push->queue), NULL);
    assert(code == LEAT_OK); /* follow_up_read() has looked */
    return queue;
}

static int64_t delay_of(const struct worker *worker, const struct follow_up *push)
{
    int64_t delay_ms =
        push->at_ms > 0 ? push->at_ms - worker_redis_now_ms(worker) : push->in_ms;
    return delay_ms > 0 ? delay_ms : 0;
}

/* In a sorted set equal payloads need a header to stay two jobs. */
static struct bytes scheduled_entry(struct call *call, struct bytes payload)
{
    char iid[LIMIT_LEASE_ID_BYTES + 1];
    struct buf entry = {0};
    worker_next_lease(call->attempt.feed->worker, iid);
    entry_write_header(&entry, &(struct entry){.iid = bytes_of(iid)}, NULL);
    buf_addc(&entry, '\n');
    buf_add(&entry, payload.at, payload.len);
    struct bytes kept = {arena_dup(&call->arena, buf_bytes(&entry)), entry.len};
    buf_fini(&entry);
    return kept;
}

static void add_push(struct settlement *settlement, struct call *call,
                     const struct follow_up *push)
{
    int64_t delay_ms = delay_of(call->attempt.feed->worker, push);
    cmd_add_int(&settlement->args, settlement_target(settlement, queue_of(call, push)));
    cmd_add_int(&settlement->args, delay_ms);
    cmd_add(&settlement->args,
            delay_ms > 0 ? scheduled_entry(call, push->payload) : push->payload);
}

/* ---- letters ----------------------------------------------------------------------- */

static void add_nothing(struct settlement *settlement, struct call *call)
{
    (void)settlement, (void)call;
}

static void add_effects(struct settlement *settlement, struct call *call)
{
    const struct job_answer *answer = &call->answer;
    struct cmd *args = &settlement->args;
    cmd_adds(args, header_of(call, "a counter refused what the answer adds: it would "
                                   "leave its range, or holds no integer"));
    cmd_add_int(args, answer->incr_count);
    for (int i = 0; i < answer->incr_count; i++) {
        cmd_add(args, answer->incr[i].counter);
        cmd_add_int(args, answer->incr[i].by);
    }
    cmd_add_int(args, answer->push_count);
    if (answer->push_count > 0)
        settlement_grow(settlement);
    for (int i = 0; i < answer->push_count; i++)
        add_push(settlement, call, &answer->push[i]);
}

static void add_failure(struct settlement *settlement, struct call *call)
{
    cmd_adds(&settlement->args, header_of(call, call->attempt.error));
    if (call->outcome == OUTCOME_RETRY)
        cmd_add_int(&settlement->args, call->attempt.retry_in_ms);
}

static void add_later(struct settlement *settlement, struct call *call)
{
    cmd_adds(&settlement->args, header_of(call, NULL));
    cmd_add_int(&settlement->args, call->attempt.retry_in_ms);
    cmd_adds(&settlement->args, "");
}

static void add_back(struct settlement *settlement, struct call *call)
{
    cmd_adds(&settlement->args, header_if_bare(call));
}

/* It was stopped while it ran. */
static void add_cancelled(struct settlement *settlement, struct call *call)
{
    cmd_add(&settlement->args, call->attempt.envelope.id.len > 0
                                   ? call->attempt.envelope.id
                                   : call->attempt.entry.iid);
    cmd_adds(&settlement->args, "1");
}

static const struct {
    enum outcome outcome;
    void (*add)(struct settlement *settlement, struct call *call);
} letters[] = {
    {OUTCOME_DONE, add_nothing},        {OUTCOME_EFFECTS, add_effects},
    {OUTCOME_RETRY, add_failure},       {OUTCOME_DEAD, add_failure},
    {OUTCOME_LATER, add_later},         {OUTCOME_BACK, add_back},
    {OUTCOME_CANCELLED, add_cancelled},
};

void outcome_add(struct settlement *settlement, struct call *call)
{
    settlement_add(settlement, call->outcome);
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].outcome == call->outcome)
            letters[i].add(settlement, call);
}

void outcome_add_stay(struct settlement *settlement, struct call *call)
{
    settlement_add(settlement, OUTCOME_STAY);
    cmd_adds(&settlement->args, header_if_bare(call));
    call->headed = 1;
}
