/* SPDX-License-Identifier: MIT */
/* The job types a worker can run, one table row each. An instant type is done the moment
 * it is read: its effect is part of the acknowledgement. A slow type gets a lease of its
 * own, claimed when its lease is settled, and runs as an attempt. */
#ifndef LEAT_WORKER_TYPES_H
#define LEAT_WORKER_TYPES_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/backoff.h"

struct attempt;
struct increment_args;

struct job_type {
    const char *name;
    /* Instant: read the args into a counter and a delta. NULL for a slow type.
     * Errors: LEAT_EDATA: the job dies with the reason. */
    int (*read)(struct increment_args *out, struct bytes args, struct arena *arena,
                struct err *err);
    /* Slow: read the args into what the attempt keeps, and name the cache key it claims.
     * Errors: LEAT_EDATA: the job dies with the reason. */
    int (*prepare)(struct attempt *attempt, struct err *err);
    /* Slow: begin. Ends by one of the attempt_… functions, later. */
    void (*start)(struct attempt *attempt);
    /* Slow: stop at once, without an end. */
    void (*cancel)(struct attempt *attempt);
    const struct backoff *backoff; /* unless a policy of the operator's names the type */
};

/* How a type retries, as the operator wants it. */
struct type_policy {
    const char *type;
    struct backoff backoff;
};

/* The row of a type's name, or NULL. */
const struct job_type *types_find(struct bytes name);

/* How the type retries: as the policy that names it says, else as its row does. */
const struct backoff *types_backoff(const struct job_type *type,
                                    const struct type_policy *policies, int count);

#endif
