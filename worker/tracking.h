/* SPDX-License-Identifier: MIT */
/* The record of a tracked job (PROTOCOL.md, 3), as workers write it: its end in the
 * settle that ends the job, what comes before by a command of its own. */
#ifndef LEAT_WORKER_TRACKING_H
#define LEAT_WORKER_TRACKING_H

#include "broker/track.h"
#include "schema/envelope.h"
#include "schema/queue.h"
#include "worker/settlement.h"

struct attempt;

enum { TRACKING_KEEP_MS = TRACK_KEEP_MS }; /* unless the type's handler says otherwise */

/* What is new of a job; what is empty or 0 is left out. Borrowed. */
struct tracking_news {
    const char *state;
    int64_t attempt, due_ms;
    struct bytes progress, result; /* JSON */
    const char *error;
    const char *refusal;   /* with an outcome that Redis may refuse: the error then */
    struct bytes out, err; /* the last that a failed run wrote to its streams */
};

/* Is the job tracked? */
int tracking_is_on(const struct envelope *envelope);

/* Append keep ms, n and n pairs of field and value. */
void tracking_write(struct cmd *args, int64_t keep_ms, const struct tracking_news *news);

/* The same, for the job that `settlement` has just got, with all its own arguments; no
 * effect if it is not tracked. Owns: the arena. */
void tracking_add(struct settlement *settlement, const struct queue *queue,
                  const struct envelope *envelope, int64_t keep_ms,
                  const struct tracking_news *news, struct arena *arena);

/* It runs, or how far it is: told while `lease` lives, in which Redis then finds it. No
 * effect if it is not tracked. */
void tracking_tell(const struct attempt *attempt, const char *lease, int64_t keep_ms,
                   const struct tracking_news *news);

#endif
