/* SPDX-License-Identifier: MIT */
#include "worker/tracking.h"
#include "broker/script_call.h"
#include "worker/attempt.h"
#include "worker/feed.h"
#include "worker/tick.h"

enum { FIELDS_MAX = 8 };

struct pair {
    const char *field;
    struct bytes value;
    int64_t number;
};

int tracking_is_on(const struct envelope *envelope)
{
    return envelope->track && envelope->id.len > 0;
}

/* Returns how many there are. */
static int list_pairs(struct pair out[FIELDS_MAX], const struct tracking_news *news)
{
    const struct pair all[FIELDS_MAX] = {
        {"state", bytes_of(news->state != NULL ? news->state : ""), 0},
        {"attempt", {"", 0}, news->attempt},
        {"due", {"", 0}, news->due_ms},
        {"progress", news->progress, 0},
        {"result", news->result, 0},
        {"error", bytes_of(news->error != NULL ? news->error : ""), 0},
        {"stdout", news->out, 0},
        {"stderr", news->err, 0},
    };
    int count = 0;
    for (int i = 0; i < FIELDS_MAX; i++)
        if (all[i].value.len > 0 || all[i].number > 0)
            out[count++] = all[i];
    return count;
}

static void add_pairs(struct cmd *args, const struct pair *pairs, int count)
{
    for (int i = 0; i < count; i++) {
        cmd_adds(args, pairs[i].field);
        if (pairs[i].number > 0)
            cmd_add_int(args, pairs[i].number);
        else
            cmd_add(args, pairs[i].value);
    }
}

void tracking_write(struct cmd *args, int64_t keep_ms, const struct tracking_news *news)
{
    struct pair pairs[FIELDS_MAX];
    int count = list_pairs(pairs, news);
    cmd_add_int(args, keep_ms);
    cmd_add_int(args, count);
    add_pairs(args, pairs, count);
}

/* An outcome that Redis may refuse brings what is then to be said, too. */
static void add_refusal(struct cmd *args, const char *error)
{
    const struct tracking_news refused = {.state = "dead", .error = error};
    struct pair pairs[FIELDS_MAX];
    int count = list_pairs(pairs, &refused);
    cmd_add_int(args, count);
    add_pairs(args, pairs, count);
}

void tracking_add(struct settlement *settlement, const struct queue *queue,
                  const struct envelope *envelope, int64_t keep_ms,
                  const struct tracking_news *news, struct arena *arena)
{
    if (!tracking_is_on(envelope))
        return;
    enum outcome outcome = (enum outcome)settlement->letters[settlement->jobs - 1];
    tracking_write(&settlement->args, keep_ms, news);
    if (outcome == OUTCOME_EFFECTS || outcome == OUTCOME_COUNTED)
        add_refusal(&settlement->args, news->refusal);
    if (news->result.len > 0)
        settlement_grow(settlement);
    settlement_track(settlement, queue_record_key(queue, envelope->id, arena));
}

/* Told at most, never waited for: at maxmemory it is left out. */
void tracking_tell(const struct attempt *attempt, const char *lease, int64_t keep_ms,
                   const struct tracking_news *news)
{
    struct worker *worker = attempt->feed->worker;
    struct arena arena = {0};
    struct pair pairs[FIELDS_MAX];
    int count = list_pairs(pairs, news);
    if (count == 0 || !tracking_is_on(&attempt->envelope))
        return;
    script_track(&worker->cmd, &attempt->feed->queue,
                 queue_record_key(&attempt->feed->queue, attempt->envelope.id, &arena),
                 lease, keep_ms);
    add_pairs(&worker->cmd, pairs, count);
    tick_send_quietly(worker, &worker->cmd);
    arena_fini(&arena);
}
