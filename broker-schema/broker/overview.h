/* SPDX-License-Identifier: MIT */
/* One look at everything: the server, every queue, every worker, and what is wrong with
 * them. Each queue is counted by one script, so its numbers fit together; the queues
 * among themselves are counted one after the other, in one pipeline. Reading changes
 * nothing. All that is read is bounded: a fleet larger than the bounds is shown in part,
 * and says so. */
#ifndef LEAT_BROKER_OVERVIEW_H
#define LEAT_BROKER_OVERVIEW_H

#include "broker/link.h"
#include "schema/queue.h"

enum {
    OVERVIEW_QUEUES_MAX = 1000,
    OVERVIEW_WORKERS_MAX = 10000,
    OVERVIEW_ALARMS_MAX = 1000,
    WORKER_BEAT_MS = 5000,         /* a worker writes its record this often */
    WORKER_ALIVE_MS = 15000,       /* seen since then: alive, else lost */
    WORKER_FORGOTTEN_MS = 600000,  /* not seen since then: not shown */
    WORKER_FETCHES_MS = 30000,     /* alive, but did not fetch since then: alarm */
    NO_HANDLER_RECENT_MS = 360000, /* a type met without a handler since then: alarm */
};

struct overview_queue {
    const char *name;
    /* now: */
    int64_t ready, high, staging, suspects; /* waiting in the four lists */
    int64_t running;
    int64_t scheduled; /* not counting those that failed before */
    int64_t retrying;
    int64_t dead, bad;
    int paused;
    int64_t oldest_age_ms; /* of the next job of the queue's list: 0 none, -1 not known */
    int64_t next_due_ms;   /* until something scheduled is due, -1 nothing is */
    /* since the queue exists: */
    int64_t done;
    int64_t failed; /* runs: retried and dead */
    int64_t retried, dead_total, bad_total, expired, cancelled, merged, recovered;
    int64_t cache_hits, cache_stale, cache_misses; /* readers of copies */
    /* types met without a handler a short time ago */
    const char **no_handler;
    int no_handler_count;
    const char *broken; /* why it could not be counted, or NULL */
};

/* A slow job that a worker runs. */
struct overview_job {
    const char *id; /* its producer's name for it, or NULL; then `iid` has ours */
    const char *iid;
    const char *type, *queue;
    int64_t since_ms;
};

/* What its record says, and what follows from it. A number that an older version does not
 * write is 0. */
struct overview_worker {
    const char *id, *host, *version, *alarm;
    const char *state;   /* running, quiet or stopping, as it said last */
    const char *process; /* its place in its master's pool, "2/4"; "0/0": none */
    const char **queues;
    int queue_count;
    struct overview_job *jobs; /* those that run longest, at most LIMIT_RECORD_JOBS */
    int job_count;
    int64_t pid, protocol, slots, busy, held, done, failed, retried, rss_bytes, cpu_ms;
    int64_t started_ms, seen_ms;
    int64_t fetched_ms;              /* when it last asked for jobs; 0: it does not say */
    int lost;                        /* not seen lately: dead, or cut off */
    int64_t recovered, recovered_ms; /* of a lost one: its jobs taken back, and when */
    const char *note;                /* a sentence on what is wrong with it, or "" */
};

struct overview_alarm {
    const char *code;  /* no_worker, no_handler, not_fetching, wrong_type, worker */
    const char *queue; /* or NULL */
    const char *text;  /* says what to do */
};

struct overview_redis {
    char version[32], role[16], policy[32];
    int64_t used_memory_bytes, max_memory_bytes; /* 0: no maximum */
    int64_t clients, uptime_s;
    int aof;
};

struct overview;

/* `err` is NULL, or says why the overview is not complete and must not be used. May call
 * overview_fini(). */
typedef void (*overview_fn)(void *arg, struct overview *overview, const struct err *err);

struct overview {
    int64_t at_ms; /* Redis TIME */
    struct overview_redis redis;
    struct overview_queue *queues; /* by name */
    int queue_count;
    struct overview_worker *workers; /* by id */
    int worker_count;
    struct overview_alarm *alarms;
    int alarm_count;
    int left_out; /* there are more queues or workers than the bounds */

    struct arena arena; /* owns all of the above */
    struct overview_gather *gather;
};

/* Read everything into `overview`, which is overwritten and must stay where it is until
 * `fn` was called or the link was freed. Calls `fn` exactly once, never before this
 * returns.
 * Errors: LEAT_ELINK while the link is down; `fn` is then not called. */
int overview_start(struct overview *overview, struct link *link, overview_fn fn,
                   void *arg);

/* The same, but for the workers alone: nothing is known of queues and server then. */
int overview_start_workers(struct overview *overview, struct link *link, overview_fn fn,
                           void *arg);

/* Free what the overview owns. A zeroed one is fine; one under way only after its link
 * was freed. */
void overview_fini(struct overview *overview);

/* Read the reply of script_count() into `queue`; what it points at goes into the arena.
 * Returns 0 and Redis' time, or -1 when the reply has not its shape. */
int overview_read_count(struct overview_queue *queue, const struct redisReply *reply,
                        struct arena *arena, int64_t *now_ms);

/* The records are read: order them by id, forget the long gone, tell the lost from the
 * living. What a rehash showed twice stays once. */
void overview_settle_workers(struct overview *overview, struct overview_worker *read,
                             int count);

/* Read the notes of the lost ones, in their order: what HMGET of LOST_KEY answers. */
void overview_read_lost(struct overview *overview, const struct redisReply *notes);

/* For how long a living worker has not fetched; 0 when it is lost or does not say. */
int64_t overview_unfetched_ms(const struct overview *overview,
                              const struct overview_worker *worker);

/* Jobs that wait in any of the four lists. */
int64_t overview_waiting(const struct overview_queue *queue);

#endif
