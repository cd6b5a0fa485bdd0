/* SPDX-License-Identifier: MIT */
#include "worker/outcome.h"
#include "base/text.h"
#include "broker/reply.h"
#include "worker/cancels.h"
#include "worker/feed.h"
#include "worker/follow.h"
#include "worker/tracking.h"

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

/* ---- answers ----------------------------------------------------------------------- */

/* Behind the verdicts, which are words. */
struct refusals outcome_refusals(const struct redisReply *answer)
{
    size_t count = reply_count(answer);
    const struct redisReply *last = count > 1 ? reply_at(answer, count - 1) : NULL;
    return (struct refusals){.numbers = reply_is_array(last) ? last : NULL};
}

int outcome_refused(struct refusals *refusals, int64_t index)
{
    if (refusals->next == reply_count(refusals->numbers) ||
        reply_int(reply_at(refusals->numbers, refusals->next), -1) != index)
        return 0;
    refusals->next++;
    return 1;
}

enum { SHOWN_BYTES = 60 }; /* of a counter's name */

const char *outcome_refusal(struct bytes counter, int64_t by, const char *why,
                            struct arena *arena)
{
    struct buf text = {0};
    buf_adds(&text, "counter ");
    text_printable(&text, counter, SHOWN_BYTES);
    buf_adds(&text, " by ");
    buf_add_int(&text, by);
    buf_adds(&text, ": ");
    buf_adds(&text, why);
    const char *kept = arena_dup(arena, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

const char *outcome_refusal_of(struct call *call)
{
    const struct job_answer *answer = &call->answer;
    if (answer->incr_count == 1 && answer->push_count == 0)
        return outcome_refusal(answer->incr[0].counter, answer->incr[0].by,
                               OUTCOME_NO_INTEGER ", or " OUTCOME_OUT_OF_RANGE,
                               &call->arena);
    return arena_printf(&call->arena, OUTCOME_REFUSED " (counters: %d, pushes: %d)",
                        answer->incr_count, answer->push_count);
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
    cmd_adds(args, header_of(call, outcome_refusal_of(call)));
    cmd_add_int(args, answer->incr_count);
    for (int i = 0; i < answer->incr_count; i++) {
        cmd_add(args, answer->incr[i].counter);
        cmd_add_int(args, answer->incr[i].by);
    }
    cmd_add_int(args, answer->push_count);
    if (answer->push_count > 0)
        settlement_grow(settlement);
    for (int i = 0; i < answer->push_count; i++)
        follow_settle(settlement, call->attempt.feed, &answer->push[i], &call->arena);
}

static void add_failure(struct settlement *settlement, struct call *call)
{
    cmd_adds(&settlement->args, header_of(call, call->attempt.error));
    if (call->outcome == OUTCOME_RETRY)
        cmd_add_int(&settlement->args, call->attempt.retry_in_ms);
    settlement_tails(settlement, call->out, call->err);
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
    const struct attempt *attempt = &call->attempt;
    cmd_add(&settlement->args, attempt_id(attempt));
    cmd_adds(&settlement->args, "1");
    cancels_use(attempt->feed->cancels, attempt_id(attempt));
}

static const struct row {
    enum outcome outcome;
    const char *state; /* that it leaves in the record of a tracked job */
    void (*add)(struct settlement *settlement, struct call *call);
} rows[] = {
    {OUTCOME_DONE, "done", add_nothing},
    {OUTCOME_EFFECTS, "done", add_effects},
    {OUTCOME_RETRY, "retry", add_failure},
    {OUTCOME_DEAD, "dead", add_failure},
    {OUTCOME_LATER, "later", add_later},
    {OUTCOME_CANCELLED, "cancelled", add_cancelled},
    {OUTCOME_BACK, "queued", add_back},
};

static void track(struct settlement *settlement, struct call *call, const char *state)
{
    const struct attempt *attempt = &call->attempt;
    int64_t in_ms = attempt->retry_in_ms;
    const struct tracking_news news = {
        .state = state,
        .due_ms = in_ms > 0 ? worker_redis_now_ms(attempt->feed->worker) + in_ms : 0,
        .result = call->answer.result,
        .refusal = call->outcome == OUTCOME_EFFECTS ? outcome_refusal_of(call) : NULL,
        .error = attempt->end == JOB_GIVEN_BACK ? NULL : attempt->error};
    tracking_add(settlement, &attempt->feed->queue, &attempt->envelope,
                 call->handler->config->keys.keep_ms, &news, &call->arena);
}

void outcome_add(struct settlement *settlement, struct call *call)
{
    const struct row *row = rows;
    while (row->outcome != call->outcome)
        row++;
    settlement_add(settlement, row->outcome);
    row->add(settlement, call);
    track(settlement, call, row->state);
}

void outcome_add_stay(struct settlement *settlement, struct call *call)
{
    settlement_add(settlement, OUTCOME_STAY);
    cmd_adds(&settlement->args, header_if_bare(call));
    call->headed = 1;
}
