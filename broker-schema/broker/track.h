/* SPDX-License-Identifier: MIT */
/* The record of a tracked job: what became of it so far, as the scripts write it into a
 * stream of its own, an entry for each change. The newest entry is the record. */
#ifndef LEAT_BROKER_TRACK_H
#define LEAT_BROKER_TRACK_H

#include "base/buf.h"
#include "broker/cmd.h"
#include "broker/stream_watch.h"
#include "schema/queue.h"

/*      state      name        is it an end? */
#define TRACK_STATES(X)                                                                  \
    X(TRACK_QUEUED, "queued", 0)                                                         \
    X(TRACK_SCHEDULED, "scheduled", 0)                                                   \
    X(TRACK_RUNNING, "running", 0)                                                       \
    X(TRACK_RETRY, "retry", 0)                                                           \
    X(TRACK_LATER, "later", 0)                                                           \
    X(TRACK_DONE, "done", 1)                                                             \
    X(TRACK_DEAD, "dead", 1)                                                             \
    X(TRACK_CANCELLED, "cancelled", 1)                                                   \
    X(TRACK_EXPIRED, "expired", 1)

enum track_state {
#define X(state, name, is_end) state,
    TRACK_STATES(X)
#undef X
};

struct track_record {
    enum track_state state;
    int64_t at_ms;                 /* when it came about */
    int64_t attempt;               /* 0: not told, as below */
    int64_t due_ms;                /* of one that waits: not before */
    struct bytes progress, result; /* JSON, within the limits; or empty */
    struct bytes error;            /* of a run that failed; or empty */
};

/* Name of a state; is it the job's end? */
const char *track_state_name(enum track_state state);
int track_is_end(enum track_state state);

/* The key of the job with this id. Owns: the arena.
 * Errors: LEAT_EUSAGE when no job can have such an id. */
int track_key(const char **key, const struct queue *queue, const char *id,
              struct arena *arena, struct err *err);

/* Read an entry; borrows from it. Returns 0, or -1 for one that is none of ours. */
int track_read(struct track_record *record, const struct stream_entry *entry);

/* Put the command together that asks for a record, and read its answer. Returns 0, or -1
 * when there is no record. */
void track_put_ask(struct cmd *cmd, const char *key);
int track_read_answer(struct track_record *record, const struct redisReply *reply);

/* Append the record as a JSON object. */
void track_json(struct buf *out, const struct queue *queue, const char *id,
                const struct track_record *record);

#endif
