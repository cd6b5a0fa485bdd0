/* SPDX-License-Identifier: MIT */
/* What sort.c must know of a job's type. The built-in ones are a table; a user's own
 * stands in its handler (handler.h). An instant type is done the moment it is read: its
 * effect is part of the acknowledgement. A slow one runs first: a refresh as a flight, a
 * user's own as a call. */
#ifndef LEAT_WORKER_TYPES_H
#define LEAT_WORKER_TYPES_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/backoff.h"

struct attempt;
struct handler;
struct increment_args;

struct job_type {
    const char *name;
    /* Instant: read the args into a counter and a delta. NULL for a slow type.
     * Errors: LEAT_EDATA: the job dies with the reason. */
    int (*read)(struct increment_args *out, struct bytes args, struct arena *arena,
                struct err *err);
    struct handler *handler;       /* of a user's own type; else NULL */
    const struct backoff *backoff; /* unless a policy of the operator's names the type */
};

/* How a type retries, as the operator wants it. */
struct type_policy {
    const char *type;
    struct backoff backoff;
};

/* The row of a built-in type's name, or NULL. */
const struct job_type *types_find(struct bytes name);

/* How the type retries: as the policy that names it says, else as its row does. */
const struct backoff *types_backoff(const struct job_type *type,
                                    const struct type_policy *policies, int count);

#endif
