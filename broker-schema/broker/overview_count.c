/* SPDX-License-Identifier: MIT */
/* A queue's numbers, out of what the script COUNT answers. */
#include "broker/overview.h"
#include "schema/entry.h"
#include "schema/envelope.h"
#include "schema/uuid.h"

#include <string.h>

static int64_t at_least_0(int64_t number)
{
    return number > 0 ? number : 0;
}

/* When the producer made the job: what our header says, else the time in its id. */
static int64_t born_ms(struct bytes raw)
{
    struct entry entry;
    struct envelope envelope;
    struct arena arena = {0};
    int64_t at_ms = -1;
    if (entry_read(&entry, raw) == 0) {
        if (entry.first_seen_ms > 0)
            at_ms = entry.first_seen_ms;
        else if (envelope_read(&envelope, entry.payload, &arena, NULL) == LEAT_OK)
            at_ms = uuid_time_ms(envelope.id);
    }
    arena_fini(&arena);
    return at_ms;
}

static int64_t oldest_age_ms(int64_t ready, struct bytes oldest, int64_t now_ms)
{
    if (ready == 0)
        return 0;
    int64_t at_ms = born_ms(oldest);
    return at_ms < 0 ? -1 : at_least_0(now_ms - at_ms);
}

/* The counts that the hash keeps under a name of their own. */
static const struct {
    const char *field;
    size_t offset;
} meta_rows[] = {
    {"retrying", offsetof(struct overview_queue, retrying)},
    {"done", offsetof(struct overview_queue, done)},
    {"retry", offsetof(struct overview_queue, retried)},
    {"dead", offsetof(struct overview_queue, dead_total)},
    {"bad", offsetof(struct overview_queue, bad_total)},
    {"expired", offsetof(struct overview_queue, expired)},
    {"cancelled", offsetof(struct overview_queue, cancelled)},
    {"merged", offsetof(struct overview_queue, merged)},
    {"recovered", offsetof(struct overview_queue, recovered)},
    {"hits", offsetof(struct overview_queue, cache_hits)},
    {"stale", offsetof(struct overview_queue, cache_stale)},
    {"misses", offsetof(struct overview_queue, cache_misses)},
};

static void read_no_handler(struct overview_queue *queue, const struct redisReply *meta,
                            struct arena *arena, int64_t now_ms)
{
    static const char prefix[] = "nh:";
    const size_t skip = sizeof prefix - 1;
    queue->no_handler =
        arena_alloc(arena, (reply_count(meta) / 2 + 1) * sizeof *queue->no_handler);
    for (size_t i = 0; i + 1 < reply_count(meta); i += 2) {
        struct bytes field = reply_bytes(reply_at(meta, i));
        if (field.len <= skip || memcmp(field.at, prefix, skip) != 0 ||
            now_ms - reply_int(reply_at(meta, i + 1), 0) > NO_HANDLER_RECENT_MS)
            continue;
        field.at += skip;
        field.len -= skip;
        queue->no_handler[queue->no_handler_count++] = arena_dup(arena, field);
    }
}

static void read_meta(struct overview_queue *queue, const struct redisReply *meta)
{
    for (size_t i = 0; i < sizeof meta_rows / sizeof *meta_rows; i++)
        *(int64_t *)(void *)((char *)queue + meta_rows[i].offset) =
            at_least_0(reply_int(reply_field(meta, meta_rows[i].field), 0));
    queue->running = at_least_0(reply_int(reply_field(meta, "res"), 0) -
                                reply_int(reply_field(meta, "fin"), 0));
    queue->failed = queue->retried + queue->dead_total;
    queue->paused = reply_field(meta, "paused") != NULL;
}

int overview_read_count(struct overview_queue *queue, const struct redisReply *reply,
                        struct arena *arena, int64_t *now_ms)
{
    enum { LEASES = 4, SCHED, SOON, NEXT, DEAD, BAD, NOW, OLDEST, META, ALL };
    if (reply_count(reply) != ALL || !reply_is_array(reply_at(reply, META)))
        return -1;
    *now_ms = reply_int(reply_at(reply, NOW), 0);
    queue->ready = reply_int(reply_at(reply, 0), 0);
    queue->high = reply_int(reply_at(reply, 1), 0);
    queue->staging = reply_int(reply_at(reply, 2), 0);
    queue->suspects = reply_int(reply_at(reply, 3), 0);
    queue->next_due_ms = reply_int(reply_at(reply, NEXT), -1);
    queue->dead = reply_int(reply_at(reply, DEAD), 0);
    queue->bad = reply_int(reply_at(reply, BAD), 0);
    queue->oldest_age_ms =
        oldest_age_ms(queue->ready, reply_bytes(reply_at(reply, OLDEST)), *now_ms);
    read_meta(queue, reply_at(reply, META));
    read_no_handler(queue, reply_at(reply, META), arena, *now_ms);
    /* The set does not tell the two apart; the hash does, and may lag behind a repair. */
    int64_t waiting = reply_int(reply_at(reply, SCHED), 0);
    if (queue->retrying > waiting)
        queue->retrying = waiting;
    queue->scheduled = waiting - queue->retrying;
    return 0;
}

int64_t overview_waiting(const struct overview_queue *queue)
{
    return queue->ready + queue->high + queue->staging + queue->suspects;
}
