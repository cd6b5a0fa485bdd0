/* SPDX-License-Identifier: MIT */
/* The jobs of the chaos test: what a producer pushes as its n-th job follows from the
 * seed alone. So no ledger of payloads is kept: who knows how many jobs of a producer
 * were acknowledged knows all of them.
 *
 * A task is a job of handler.c's. One that goes well adds to a counter of its own and
 * pushes two increments, of which one comes later; then a task of the kind lines follows
 * it, and an increment that. Each of the five has a counter of its own. */
#ifndef LEAT_TESTS_CHAOS_JOBS_H
#define LEAT_TESTS_CHAOS_JOBS_H

#include "base/buf.h"

/* How it must end. */
enum jobs_end {
    JOBS_COUNTS,    /* each of its counters is 1 higher */
    JOBS_LANDS,     /* done or merged, and leaves no trace of its own */
    JOBS_EXPIRES,   /* no effect */
    JOBS_DIES,      /* no effect, and its payload stands in :dead */
    JOBS_IS_NO_JOB, /* its bytes stand in :bad */
    JOBS_MAY_STOP,  /* as JOBS_COUNTS, or cancelled and without any effect */
};

/*  kind       of 10,000  end       what it is */
#define JOBS_KINDS(X)                                                                    \
    X(hot, 2860, COUNTS)       /* an increment of one of few counters */                 \
    X(uniform, 3700, COUNTS)   /* of one of 1,000 counters, equally often */             \
    X(once, 1600, COUNTS)      /* of one of its own: tells each loss and each double */  \
    X(delayed, 300, COUNTS)    /* the same, due within 3 s */                            \
    X(expired, 100, EXPIRES)   /* expired before it was pushed: must not count */        \
    X(overflow, 50, DIES)      /* overflows its counter: its neighbours count */         \
    X(page, 250, LANDS)        /* a refresh of one of 20 flaky pages; flights meet */    \
    X(slow, 200, LANDS)        /* a refresh that takes longer than the lease */          \
    X(failing, 500, DIES)      /* one that is answered 500: runs three times */          \
    X(garbage, 100, IS_NO_JOB) /* any bytes */                                           \
    X(exec, 40, COUNTS)        /* a task of the kind exec, tracked */                    \
    X(exec_flaky, 8, COUNTS)   /* fails, crashes or hangs the first time */              \
    X(exec_slow, 8, COUNTS)    /* takes longer than the lease */                         \
    X(exec_dying, 4, DIES)     /* fails or crashes each time; tracked */                 \
    X(exec_stop, 8, MAY_STOP)  /* runs for a second; others may cancel its id */         \
    X(lines, 210, COUNTS)      /* these five once more, of the kind lines */             \
    X(lines_flaky, 20, COUNTS)                                                           \
    X(lines_slow, 16, COUNTS)                                                            \
    X(lines_dying, 6, DIES)                                                              \
    X(lines_stop, 20, MAY_STOP)

enum jobs_kind {
#define X(name, share, end) JOBS_##name,
    JOBS_KINDS(X)
#undef X
        JOBS_KIND_COUNT
};

/* The counter that cannot take one more, and its value. */
#define JOBS_FULL_COUNTER "full"
#define JOBS_FULL_VALUE   "9223372036854775807"

/* Ids of those that may be cancelled: `stop:0`, `stop:1` … */
enum { JOBS_STOP_IDS = 16, JOBS_COUNTERS_MAX = 5 };

struct jobs {
    uint64_t seed, producer;
    const char *origin; /* http://host:port of the flaky site; borrowed */
};

struct jobs_job {
    enum jobs_kind kind;
    struct buf payload; /* names all these counters, as "counter":"…" */
    char counters[JOBS_COUNTERS_MAX][48]; /* that it and its followers add 1 to */
    int counter_count;
    char tracked[48]; /* the id of its record, that is its alone; or "" */
    int64_t in_ms;    /* 0: at once */
};

/* Make the n-th job, from 0, into `job`, whose memory is used again.
 * Owns: the caller frees job->payload. */
void jobs_make(const struct jobs *jobs, int64_t n, struct jobs_job *job);

/* The kind's name, for people; how its jobs end. */
const char *jobs_kind_name(enum jobs_kind kind);
enum jobs_end jobs_kind_end(enum jobs_kind kind);

#endif
