/* SPDX-License-Identifier: MIT */
/* A queue's name and the Redis keys that belong to it. All keys of one queue share the
 * hash tag of its list, so a script may touch them together on any Redis. */
#ifndef LEAT_SCHEMA_QUEUE_H
#define LEAT_SCHEMA_QUEUE_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/limits.h"

/*      member    suffix        what it is */
#define QUEUE_KEYS(X)                                                                    \
    X(high, ":high")         /* LIST: as the queue, served four times out of five */     \
    X(staging, ":h")         /* LIST: the head, served before everything */              \
    X(suspects, ":s")        /* LIST: jobs whose lease expired more than once */         \
    X(bad, ":bad")           /* LIST: the quarantine, exact bytes */                     \
    X(lease, ":lease")       /* ZSET: lease id -> deadline, ms of Redis TIME */          \
    X(body, ":body")         /* HASH: lease id -> msgpack array of entries */            \
    X(sched, ":sched")       /* ZSET: entry -> due ms */                                 \
    X(dead, ":dead")         /* ZSET: entry -> died ms */                                \
    X(fail, ":fail")         /* LIST: the last failures, for people */                   \
    X(meta, ":m")            /* HASH: control fields and exact counts */                 \
    X(counters, ":counters") /* HASH: name -> decimal */                                 \
    X(slot, ":slot")         /* HASH: flights */                                         \
    X(again, ":again")       /* HASH: what runs once more after a flight */              \
    X(ctl, ":ctl")           /* STREAM: what workers must hear at once */                \
    X(cancel, ":cancel")     /* HASH: id of a job to be cancelled -> until, ms */

enum { QUEUE_KEY_BYTES = LIMIT_QUEUE_NAME_BYTES + 32 };

struct queue {
    char name[LIMIT_QUEUE_NAME_BYTES + 1];
    char list[QUEUE_KEY_BYTES]; /* `leat:<name>` */
#define X(member, suffix) char member[QUEUE_KEY_BYTES];
    QUEUE_KEYS(X)
#undef X
    char prefix[QUEUE_KEY_BYTES]; /* `{leat:<name>}:` for keys with a free part */
};

#define QUEUES_KEY  "{leat}:queues"  /* SET of queue names */
#define WORKERS_KEY "{leat}:workers" /* HASH: worker id -> its record */

/* What the fleet knows of itself, beside the records. */
#define SEEN_KEY "{leat}:seen" /* ZSET: worker id -> ms when it wrote its record */
#define LOST_KEY "{leat}:lost" /* HASH: worker id -> jobs taken back from it */
#define PROTOCOL_KEY                                                                     \
    "{leat}:protocol" /* STRING: the highest LEAT_PROTOCOL of any worker */

/* The number of the protocol that this code speaks: one more with each change that
 * workers of the number before must not meet (PROTOCOL.md, 11). */
enum { LEAT_PROTOCOL = 1 };

/* May a queue's name have this character? */
int queue_allows(unsigned char c);

/* Check a name and build the keys.
 * Errors: LEAT_EUSAGE when the name is not [A-Za-z0-9._-]{1,64}. */
int queue_init(struct queue *queue, const char *name, struct err *err);

/* The key of a cached copy. Owns: the arena. */
struct bytes queue_cache_key(const struct queue *queue, struct bytes key,
                             struct arena *arena);

/* The key that remembers a producer's last batch. Owns: the arena. */
const char *queue_producer_key(const struct queue *queue, const char *producer,
                               struct arena *arena);

/* The key of a tracked job's record. Owns: the arena. */
struct bytes queue_record_key(const struct queue *queue, struct bytes id,
                              struct arena *arena);

/* The key of the answers to one call of CANCEL. Owns: the arena. */
const char *queue_answer_key(const struct queue *queue, const char *nonce,
                             struct arena *arena);

#endif
