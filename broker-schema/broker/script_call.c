/* SPDX-License-Identifier: MIT */
#include "broker/script_call.h"
#include "broker/script.h"

/* Begin a call with keys of the queue; the list ends with NULL. */
#define BEGIN(cmd, id, ...) begin(cmd, id, (const char *const[]){__VA_ARGS__, NULL})

static void begin(struct cmd *cmd, enum script_id id, const char *const *keys)
{
    int count = 0;
    while (keys[count] != NULL)
        count++;
    cmd_call(cmd, &script_table[id], count);
    for (int i = 0; i < count; i++)
        cmd_adds(cmd, keys[i]);
}

/* The keys beyond those that every call of a script has. */
static int count_of(const struct script_keys *more)
{
    if (more == NULL)
        return 0;
    return (more->claims ? more->claims->count : 0) + 3 * more->target_count +
           (more->records ? more->records->count : 0) +
           (more->begun ? more->begun->count : 0);
}

static void add_more(struct cmd *cmd, const struct script_keys *more)
{
    if (more == NULL)
        return;
    if (more->claims != NULL)
        cmd_join(cmd, more->claims);
    for (int i = 0; i < more->target_count; i++) {
        cmd_adds(cmd, more->targets[i]->list);
        cmd_adds(cmd, more->targets[i]->sched);
        cmd_adds(cmd, more->targets[i]->ctl);
    }
    if (more->records != NULL)
        cmd_join(cmd, more->records);
    if (more->begun != NULL)
        cmd_join(cmd, more->begun);
}

void script_push(struct cmd *cmd, const struct queue *queue, const char *producer,
                 int64_t number, const struct cmd *records)
{
    const struct script_keys more = {.records = records};
    cmd_call(cmd, &script_table[SCRIPT_PUSH], 3 + count_of(&more));
    cmd_adds(cmd, queue->list);
    cmd_adds(cmd, queue->meta);
    cmd_adds(cmd, queue_producer_key(queue, producer, &cmd->scratch));
    add_more(cmd, &more);
    cmd_add_int(cmd, number);
}

void script_schedule(struct cmd *cmd, const struct queue *queue, const char *producer,
                     int64_t number, int relative, int64_t ms, const struct cmd *records)
{
    const struct script_keys more = {.records = records};
    cmd_call(cmd, &script_table[SCRIPT_SCHEDULE], 3 + count_of(&more));
    cmd_adds(cmd, queue->sched);
    cmd_adds(cmd, queue_producer_key(queue, producer, &cmd->scratch));
    cmd_adds(cmd, queue->ctl);
    add_more(cmd, &more);
    cmd_add_int(cmd, number);
    cmd_adds(cmd, relative ? "in" : "at");
    cmd_add_int(cmd, ms);
}

void script_reserve(struct cmd *cmd, const struct queue *queue, const char *lease,
                    int64_t jobs_max, int64_t ttl_ms, int64_t bytes_max, int with_suspect)
{
    BEGIN(cmd, SCRIPT_RESERVE, queue->list, queue->high, queue->staging, queue->suspects,
          queue->lease, queue->body, queue->bad, queue->meta);
    cmd_adds(cmd, lease);
    cmd_add_int(cmd, jobs_max);
    cmd_add_int(cmd, ttl_ms);
    cmd_add_int(cmd, bytes_max);
    cmd_add_int(cmd, LIMIT_ENTRY_BYTES);
    cmd_adds(cmd, with_suspect ? "1" : "0");
}

void script_reserve_rung(struct cmd *cmd, const struct queue *queue, const char *lease,
                         int64_t ttl_ms, struct bytes entry)
{
    script_reserve(cmd, queue, lease, 1, ttl_ms, LIMIT_LEASE_BYTES, 0);
    cmd_add(cmd, entry);
}

void script_ack(struct cmd *cmd, const struct queue *queue, const char *lease,
                int64_t jobs)
{
    BEGIN(cmd, SCRIPT_ACK, queue->lease, queue->body, queue->meta, queue->counters);
    cmd_adds(cmd, lease);
    cmd_add_int(cmd, jobs);
}

static void settle(struct cmd *cmd, enum script_id script, const struct queue *queue,
                   const struct settle_head *head, const struct script_keys *more)
{
    const char *const keys[] = {queue->lease, queue->body,  queue->meta, queue->staging,
                                queue->sched, queue->dead,  queue->bad,  queue->counters,
                                queue->slot,  queue->again, queue->list, queue->fail,
                                queue->cancel};
    const int key_count = sizeof keys / sizeof *keys;
    cmd_call(cmd, &script_table[script], key_count + count_of(more));
    for (int i = 0; i < key_count; i++)
        cmd_adds(cmd, keys[i]);
    add_more(cmd, more);
    cmd_adds(cmd, head->lease);
    cmd_adds(cmd, head->stay_lease != NULL ? head->stay_lease : "");
    cmd_add_int(cmd, head->stay_ttl_ms);
}

void script_settle(struct cmd *cmd, const struct queue *queue,
                   const struct settle_head *head, const struct script_keys *more)
{
    settle(cmd, SCRIPT_SETTLE, queue, head, more);
}

void script_settle_grow(struct cmd *cmd, const struct queue *queue,
                        const struct settle_head *head, const struct script_keys *more)
{
    settle(cmd, SCRIPT_SETTLE_GROW, queue, head, more);
}

void script_land(struct cmd *cmd, const struct queue *queue, struct bytes cache_key,
                 const char *lease, const struct script_keys *more)
{
    cmd_call(cmd, &script_table[SCRIPT_LAND], 7 + count_of(more));
    cmd_adds(cmd, queue->lease);
    cmd_adds(cmd, queue->body);
    cmd_adds(cmd, queue->meta);
    cmd_adds(cmd, queue->slot);
    cmd_adds(cmd, queue->again);
    cmd_adds(cmd, queue->list);
    cmd_add(cmd, cache_key);
    add_more(cmd, more);
    cmd_adds(cmd, lease);
}

void script_track(struct cmd *cmd, const struct queue *queue, struct bytes record_key,
                  const char *lease, int64_t keep_ms)
{
    cmd_call(cmd, &script_table[SCRIPT_TRACK], 2);
    cmd_adds(cmd, queue->body);
    cmd_add(cmd, record_key);
    cmd_adds(cmd, lease);
    cmd_add_int(cmd, keep_ms);
}

void script_cancel(struct cmd *cmd, const struct queue *queue, struct bytes id,
                   int64_t keep_ms, const char *nonce)
{
    BEGIN(cmd, SCRIPT_CANCEL, queue->cancel, queue->ctl);
    cmd_add(cmd, id);
    cmd_add_int(cmd, keep_ms);
    cmd_adds(cmd, nonce);
    cmd_add_int(cmd, LIMIT_CANCELS);
}

void script_unschedule(struct cmd *cmd, const struct queue *queue, struct bytes id,
                       struct bytes entry, struct bytes record_key, int64_t keep_ms)
{
    const char *const keys[] = {queue->sched, queue->cancel, queue->meta, queue->ctl,
                                queue->slot,  queue->again,  queue->list};
    const int key_count = sizeof keys / sizeof *keys;
    cmd_call(cmd, &script_table[SCRIPT_UNSCHEDULE], key_count + (record_key.len > 0));
    for (int i = 0; i < key_count; i++)
        cmd_adds(cmd, keys[i]);
    if (record_key.len > 0)
        cmd_add(cmd, record_key);
    cmd_add(cmd, id);
    cmd_add(cmd, entry);
    cmd_add_int(cmd, keep_ms);
}

void script_read(struct cmd *cmd, const struct queue *queue, struct bytes cache_key,
                 int is_counted, int has_waited)
{
    cmd_call(cmd, &script_table[SCRIPT_READ], 4);
    cmd_add(cmd, cache_key);
    cmd_adds(cmd, queue->slot);
    cmd_adds(cmd, queue->body);
    cmd_adds(cmd, queue->meta);
    cmd_adds(cmd, is_counted ? "0" : "1");
    cmd_adds(cmd, has_waited ? "1" : "0");
}

void script_release(struct cmd *cmd, const struct queue *queue)
{
    BEGIN(cmd, SCRIPT_RELEASE, queue->lease, queue->body, queue->meta, queue->staging,
          queue->suspects);
}

void script_extend(struct cmd *cmd, const struct queue *queue, int64_t ttl_ms)
{
    BEGIN(cmd, SCRIPT_EXTEND, queue->lease);
    cmd_add_int(cmd, ttl_ms);
}

void script_beat(struct cmd *cmd, const char *worker, const char *record)
{
    BEGIN(cmd, SCRIPT_BEAT, WORKERS_KEY, SEEN_KEY);
    cmd_adds(cmd, worker);
    cmd_adds(cmd, record);
}

void script_lost(struct cmd *cmd)
{
    BEGIN(cmd, SCRIPT_LOST, LOST_KEY);
}

void script_protocol(struct cmd *cmd, int number)
{
    BEGIN(cmd, SCRIPT_PROTOCOL, PROTOCOL_KEY);
    cmd_add_int(cmd, number);
}

void script_reap(struct cmd *cmd, const struct queue *queue, int64_t leases_max)
{
    BEGIN(cmd, SCRIPT_REAP, queue->lease, queue->body, queue->staging, queue->suspects,
          queue->meta);
    cmd_add_int(cmd, leases_max);
}

void script_promote(struct cmd *cmd, const struct queue *queue, int64_t jobs_max)
{
    BEGIN(cmd, SCRIPT_PROMOTE, queue->sched, queue->list, queue->meta);
    cmd_add_int(cmd, jobs_max);
}

void script_trim(struct cmd *cmd, const struct queue *queue)
{
    BEGIN(cmd, SCRIPT_TRIM, queue->dead, queue->bad, queue->meta);
    cmd_add_int(cmd, LIMIT_DEAD_JOBS);
    cmd_add_int(cmd, LIMIT_BAD_ENTRIES);
    cmd_add_int(cmd, 100);
}

void script_count(struct cmd *cmd, const struct queue *queue, int64_t soon_ms)
{
    BEGIN(cmd, SCRIPT_COUNT, queue->list, queue->high, queue->staging, queue->suspects,
          queue->lease, queue->sched, queue->dead, queue->bad, queue->meta);
    cmd_add_int(cmd, soon_ms);
}

void script_audit(struct cmd *cmd, const struct queue *queue, int64_t entries_max,
                  int64_t bytes_max)
{
    BEGIN(cmd, SCRIPT_AUDIT, queue->list, queue->high, queue->staging, queue->suspects,
          queue->lease, queue->body, queue->sched, queue->dead, queue->bad, queue->meta);
    cmd_add_int(cmd, entries_max);
    cmd_add_int(cmd, bytes_max);
    cmd_add_int(cmd, LIMIT_LEASE_MS);
    cmd_add_int(cmd, LIMIT_DELAY_MS);
}

void script_inspect(struct cmd *cmd, const struct queue *queue, const char *what,
                    const char *cursor, int64_t page, int64_t entries_max,
                    int64_t bytes_max)
{
    BEGIN(cmd, SCRIPT_INSPECT, queue->lease, queue->body, queue->slot, queue->again,
          queue->list, queue->high, queue->staging, queue->suspects, queue->sched);
    cmd_adds(cmd, what);
    cmd_adds(cmd, cursor);
    cmd_add_int(cmd, page);
    cmd_add_int(cmd, entries_max);
    cmd_add_int(cmd, bytes_max);
}

void script_purge(struct cmd *cmd, const struct queue *queue, int64_t jobs_max)
{
    BEGIN(cmd, SCRIPT_PURGE, queue->list, queue->high, queue->staging, queue->suspects,
          queue->meta, queue->slot, queue->again);
    cmd_add_int(cmd, jobs_max);
}

void script_requeue(struct cmd *cmd, const struct queue *queue, const char *kind,
                    struct bytes entry, struct bytes pushed)
{
    BEGIN(cmd, SCRIPT_REQUEUE, queue->list, queue->dead, queue->bad, queue->meta);
    cmd_adds(cmd, kind);
    cmd_add(cmd, entry);
    cmd_add(cmd, pushed);
}

void script_remove(struct cmd *cmd, const struct queue *queue, const char *kind,
                   struct bytes entry)
{
    BEGIN(cmd, SCRIPT_REMOVE, queue->dead, queue->bad, queue->meta);
    cmd_adds(cmd, kind);
    cmd_add(cmd, entry);
}
