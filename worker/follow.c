/* SPDX-License-Identifier: MIT */
#include "worker/follow.h"
#include "schema/entry.h"
#include "worker/listing.h"

#include <assert.h>

const struct queue *follow_queue(struct feed *feed, const struct follow_up *push,
                                 struct arena *arena)
{
    if (push->queue.len == 0 || bytes_is(push->queue, feed->queue.name))
        return &feed->queue;
    struct queue *queue = arena_alloc(arena, sizeof *queue);
    int code = queue_init(queue, arena_dup(arena, push->queue), NULL);
    assert(code == LEAT_OK); /* follow_up_read() has looked */
    listing_add(feed->worker, queue->name);
    return queue;
}

static int64_t delay_of(const struct worker *worker, const struct follow_up *push)
{
    int64_t delay_ms =
        push->at_ms > 0 ? push->at_ms - worker_redis_now_ms(worker) : push->in_ms;
    return delay_ms > 0 ? delay_ms : 0;
}

/* In a sorted set equal payloads need a header to stay two jobs. */
static struct bytes scheduled_entry(struct worker *worker, struct bytes payload,
                                    struct arena *arena)
{
    char iid[LIMIT_LEASE_ID_BYTES + 1];
    struct buf entry = {0};
    worker_next_lease(worker, iid);
    entry_write_header(&entry, &(struct entry){.iid = bytes_of(iid)}, NULL);
    buf_addc(&entry, '\n');
    buf_add(&entry, payload.at, payload.len);
    struct bytes kept = {arena_dup(arena, buf_bytes(&entry)), entry.len};
    buf_fini(&entry);
    return kept;
}

int follow_record(struct cmd *begun, const struct queue *queue,
                  const struct follow_up *push, struct arena *arena)
{
    if (push->tracked_id.len == 0)
        return 0;
    cmd_add(begun, queue_record_key(queue, push->tracked_id, arena));
    return begun->count;
}

void follow_add(struct cmd *args, struct worker *worker, struct follow_keys keys,
                const struct follow_up *push, struct arena *arena)
{
    int64_t delay_ms = delay_of(worker, push);
    cmd_add_int(args, keys.target);
    cmd_add_int(args, delay_ms);
    cmd_add_int(args, keys.record);
    cmd_add(args,
            delay_ms > 0 ? scheduled_entry(worker, push->payload, arena) : push->payload);
}

void follow_settle(struct settlement *settlement, struct feed *feed,
                   const struct follow_up *push, struct arena *arena)
{
    const struct queue *queue = follow_queue(feed, push, arena);
    const struct follow_keys keys = {
        .target = settlement_target(settlement, queue),
        .record = follow_record(&settlement->begun, queue, push, arena)};
    follow_add(&settlement->args, feed->worker, keys, push, arena);
}
