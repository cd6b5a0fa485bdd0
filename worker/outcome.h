/* SPDX-License-Identifier: MIT */
/* What the end of a call comes to in a settle: its letter and its arguments, the
 * follow-ups it pushes, and the record of a tracked job. */
#ifndef LEAT_WORKER_OUTCOME_H
#define LEAT_WORKER_OUTCOME_H

#include "worker/call.h"
#include "worker/settlement.h"

/* Why a counter can refuse. */
#define OUTCOME_NO_INTEGER   "what it holds is no integer"
#define OUTCOME_OUT_OF_RANGE "the value would leave the range from -2^63 to 2^63-1"

/* What a job dies of that adds to this counter, which refuses. Owns: the arena. */
const char *outcome_refusal(struct bytes counter, int64_t by, const char *why,
                            struct arena *arena);

/* What a call dies of when its effects are refused: which it was Redis does not tell, so
 * the counter is named if there is nothing else. */
const char *outcome_refusal_of(struct call *call);

/* The jobs that died since their effects were refused, as the answer of a settle lists
 * them, behind its verdicts. Borrows it; an answer that lists none, as an ACK's, refused
 * nothing. */
struct refusals {
    const struct redisReply *numbers; /* of jobs in their lease, ascending; or NULL */
    size_t next;
};

struct refusals outcome_refusals(const struct redisReply *answer);

/* Is the job of that number among them? To be asked in their order. */
int outcome_refused(struct refusals *refusals, int64_t index);

/* Add the outcome of a call that ended. Borrows from it until the settle is sent. */
void outcome_add(struct settlement *settlement, struct call *call);

/* Add that a call stays in hand. */
void outcome_add_stay(struct settlement *settlement, struct call *call);

#endif
