/* SPDX-License-Identifier: MIT */
/* The jobs of the chaos test: what a producer pushes as its n-th job follows from the
 * seed alone. So no ledger of payloads is kept: who knows how many jobs of a producer
 * were acknowledged knows all of them. */
#ifndef LEAT_TESTS_CHAOS_JOBS_H
#define LEAT_TESTS_CHAOS_JOBS_H

#include "base/buf.h"

/*  kind      of 1,000  what it is */
#define JOBS_KINDS(X)                                                                    \
    X(hot, 300)     /* an increment of one of few counters, some far more often */       \
    X(uniform, 390) /* of one of 1,000 counters, equally often */                        \
    X(once, 160)    /* of a counter of its own: tells each loss and each double */       \
    X(delayed, 30)  /* the same, due within 3 s */                                       \
    X(expired, 10)  /* expired before it was pushed: must not count */                   \
    X(overflow, 5)  /* overflows its counter: dies, its neighbours count */              \
    X(page, 25)     /* a refresh of one of 20 flaky pages; flights meet */               \
    X(slow, 20)     /* a refresh that takes longer than the lease */                     \
    X(failing, 50)  /* a refresh that is answered 500: runs three times, dies */         \
    X(garbage, 10)  /* bytes that are no job */

enum jobs_kind {
#define X(name, share) JOBS_##name,
    JOBS_KINDS(X)
#undef X
        JOBS_KIND_COUNT
};

/* The counter that cannot take one more, and its value. */
#define JOBS_FULL_COUNTER "full"
#define JOBS_FULL_VALUE   "9223372036854775807"

struct jobs {
    uint64_t seed, producer;
    const char *origin; /* http://host:port of the flaky site; borrowed */
};

struct jobs_job {
    enum jobs_kind kind;
    struct buf payload;
    char counter[48]; /* that it adds 1 to, "" for none */
    int64_t in_ms;    /* 0: at once */
};

/* Make the n-th job, from 0, into `job`, whose memory is used again.
 * Owns: the caller frees job->payload. */
void jobs_make(const struct jobs *jobs, int64_t n, struct jobs_job *job);

/* The kind's name, for people. */
const char *jobs_kind_name(enum jobs_kind kind);

#endif
