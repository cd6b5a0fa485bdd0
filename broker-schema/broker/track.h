/* SPDX-License-Identifier: MIT */
/* The record of a tracked job: what became of it so far. The scripts write it into a
 * stream of its own, an entry for each change; an entry has what is new. */
#ifndef LEAT_BROKER_TRACK_H
#define LEAT_BROKER_TRACK_H

#include "base/buf.h"
#include "broker/stream_watch.h"
#include "schema/queue.h"

/*      state      name        is it an end? */
#define TRACK_STATES(X)                                                                  \
    X(TRACK_NONE, "", 0)                                                                 \
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

enum { TRACK_KEEP_MS = 86400000 }; /* how long an end is told, if nobody said */

/* What is known of a job by the entries read so far; a zeroed one: nothing. */
struct track_record {
    enum track_state state;
    int64_t at_ms;       /* of the newest entry */
    int64_t attempt;     /* 0: not told, as below */
    int64_t due_ms;      /* of one that waits: not before */
    struct buf progress; /* of one that runs: JSON; or empty, as the next */
    struct buf result;   /* of one that is done: JSON */
    struct buf error;    /* of one whose last run failed: a text */
    struct buf out, err; /* what that run wrote last, to stdout and to stderr */
};

/* Name of a state; is it the job's end? */
const char *track_state_name(enum track_state state);
int track_is_end(enum track_state state);

/* The key of the job with this id. Owns: the arena.
 * Errors: LEAT_EUSAGE when no job can have such an id. */
int track_key(const char **key, const struct queue *queue, const char *id,
              struct arena *arena, struct err *err);

/* Take what an entry tells. What is longer than its limit is left out. */
void track_add(struct track_record *record, const struct stream_entry *entry);

/* Take all that stands in the answer to stream_put_look(). */
void track_add_all(struct track_record *record, const struct redisReply *reply);

/* Free what it holds; it is zeroed then. */
void track_fini(struct track_record *record);

/* Append the record as a JSON object. */
void track_json(struct buf *out, const struct queue *queue, const char *id,
                const struct track_record *record);

#endif
