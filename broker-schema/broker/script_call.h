/* SPDX-License-Identifier: MIT */
/* The scripts' calls: each function puts one together, keys and arguments in the order
 * that the script's head comment names. What the replies mean stands there and in
 * PROTOCOL.md. */
#ifndef LEAT_BROKER_SCRIPT_CALL_H
#define LEAT_BROKER_SCRIPT_CALL_H

#include "broker/cmd.h"
#include "schema/queue.h"

/* Keys that a call has beyond those of its queue. What there is none of may be NULL. */
struct script_keys {
    const struct cmd *claims;           /* its words: cache keys */
    const struct queue *const *targets; /* queues that follow-ups go to */
    int target_count;
    const struct cmd *records; /* its words: queue_record_key() of tracked jobs */
    const struct cmd *begun;   /* likewise, of tracked jobs among the follow-ups */
};

/* PUSH: entries follow with cmd_add(). `records`: queue_record_key() of those jobs of the
 * batch that are tracked, in any order; NULL: none is. */
void script_push(struct cmd *cmd, const struct queue *queue, const char *producer,
                 int64_t number, const struct cmd *records);

/* SCHEDULE: `relative` tells whether `ms` counts from now; `records` and entries as
 * above. */
void script_schedule(struct cmd *cmd, const struct queue *queue, const char *producer,
                     int64_t number, int relative, int64_t ms, const struct cmd *records);

/* RESERVE: `with_suspect` takes one suspect instead, if there is one. */
void script_reserve(struct cmd *cmd, const struct queue *queue, const char *lease,
                    int64_t jobs_max, int64_t ttl_ms, int64_t bytes_max,
                    int with_suspect);

/* RESERVE of the very entry that a bell moved to staging, if it is still there. */
void script_reserve_rung(struct cmd *cmd, const struct queue *queue, const char *lease,
                         int64_t ttl_ms, struct bytes entry);

/* ACK: pairs of counter and delta follow. */
void script_ack(struct cmd *cmd, const struct queue *queue, const char *lease,
                int64_t jobs);

/* How a SETTLE begins. */
struct settle_head {
    const char *lease;
    const char *stay_lease; /* new, of the jobs that stay; NULL: none does */
    int64_t stay_ttl_ms;
};

/* SETTLE: outcomes and their arguments follow. Its other text is refused at maxmemory:
 * for one that brings follow-ups or results. `more` may be NULL. */
void script_settle(struct cmd *cmd, const struct queue *queue,
                   const struct settle_head *head, const struct script_keys *more);
void script_settle_grow(struct cmd *cmd, const struct queue *queue,
                        const struct settle_head *head, const struct script_keys *more);

/* LAND: mode and what it needs follow; with `more`, which may be NULL, also pushes and,
 * if there is a record, keep ms, n, n times field and value (worker/settlement.h). */
void script_land(struct cmd *cmd, const struct queue *queue, struct bytes cache_key,
                 const char *lease, const struct script_keys *more);

/* TRACK: pairs of field and value follow. */
void script_track(struct cmd *cmd, const struct queue *queue, struct bytes record_key,
                  const char *lease, int64_t keep_ms);

/* CANCEL: workers answer to queue_answer_key() of `nonce`. */
void script_cancel(struct cmd *cmd, const struct queue *queue, struct bytes id,
                   int64_t keep_ms, const char *nonce);

/* UNSCHEDULE: ends a scheduled entry that CANCEL was called for. `record_key` is empty
 * for a job that is not tracked. */
void script_unschedule(struct cmd *cmd, const struct queue *queue, struct bytes id,
                       struct bytes entry, struct bytes record_key, int64_t keep_ms);

/* READ: `is_counted` when this reader was counted by an earlier call. */
void script_read(struct cmd *cmd, const struct queue *queue, struct bytes cache_key,
                 int is_counted, int has_waited);

/* RELEASE and EXTEND: lease ids follow. */
void script_release(struct cmd *cmd, const struct queue *queue);
void script_extend(struct cmd *cmd, const struct queue *queue, int64_t ttl_ms);

/* BEAT: the worker's record is written, and those of the long gone go. */
void script_beat(struct cmd *cmd, const char *worker, const char *record);

/* LOST: pairs of a worker's id and of jobs that were taken back from it follow. */
void script_lost(struct cmd *cmd);

/* PROTOCOL: a worker that speaks `number` works here. */
void script_protocol(struct cmd *cmd, int number);

/* What the tick calls. */
void script_reap(struct cmd *cmd, const struct queue *queue, int64_t leases_max);
void script_promote(struct cmd *cmd, const struct queue *queue, int64_t jobs_max);
void script_trim(struct cmd *cmd, const struct queue *queue);

/* COUNT: `soon_ms` ahead counts as soon. */
void script_count(struct cmd *cmd, const struct queue *queue, int64_t soon_ms);

/* AUDIT: looks at so much at most. */
void script_audit(struct cmd *cmd, const struct queue *queue, int64_t entries_max,
                  int64_t bytes_max);

/* INSPECT: a page of `what`, "lease", "body", "slot" or "again", from `cursor` on. */
void script_inspect(struct cmd *cmd, const struct queue *queue, const char *what,
                    const char *cursor, int64_t page, int64_t entries_max,
                    int64_t bytes_max);

/* PURGE: deletes what waits, so many at most. */
void script_purge(struct cmd *cmd, const struct queue *queue, int64_t jobs_max);

/* REQUEUE and REMOVE: `kind` is "dead" or "bad". */
void script_requeue(struct cmd *cmd, const struct queue *queue, const char *kind,
                    struct bytes entry, struct bytes pushed);
void script_remove(struct cmd *cmd, const struct queue *queue, const char *kind,
                   struct bytes entry);

#endif
