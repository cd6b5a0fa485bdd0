/* SPDX-License-Identifier: MIT */
/* What the end of a call comes to in a settle: its letter and its arguments, the
 * follow-ups it pushes, and the record of a tracked job. */
#ifndef LEAT_WORKER_OUTCOME_H
#define LEAT_WORKER_OUTCOME_H

#include "worker/call.h"
#include "worker/settlement.h"

/* The jobs that died of OUTCOME_REFUSED, as the answer of a settle lists them, behind its
 * verdicts. Borrows it; an answer that lists none, as an ACK's, refused nothing. */
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
