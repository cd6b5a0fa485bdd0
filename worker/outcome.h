/* SPDX-License-Identifier: MIT */
/* What the end of a call comes to in a settle: its letter and its arguments, the
 * follow-ups it pushes, and the record of a tracked job. */
#ifndef LEAT_WORKER_OUTCOME_H
#define LEAT_WORKER_OUTCOME_H

#include "worker/call.h"
#include "worker/settlement.h"

/* Add the outcome of a call that ended. Borrows from it until the settle is sent. */
void outcome_add(struct settlement *settlement, struct call *call);

/* Add that a call stays in hand. */
void outcome_add_stay(struct settlement *settlement, struct call *call);

#endif
