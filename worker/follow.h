/* SPDX-License-Identifier: MIT */
/* Follow-ups, of an answer's `push` or an envelope's `then`, as arguments of SETTLE and
 * LAND, which push them in the step that ends their job. */
#ifndef LEAT_WORKER_FOLLOW_H
#define LEAT_WORKER_FOLLOW_H

#include "broker/cmd.h"
#include "schema/follow_up.h"
#include "schema/queue.h"
#include "worker/feed.h"
#include "worker/settlement.h"

/* The queue that a follow-up of the feed's job goes to; listed, if it is another one.
 * Owns: the arena. */
const struct queue *follow_queue(struct feed *feed, const struct follow_up *push,
                                 struct arena *arena);

/* Which of a call's keys are its: numbers. */
struct follow_keys {
    int target; /* its queue's among the targets, from 0 */
    int record; /* its record's among those of follow-ups, from 1; 0: it is not tracked */
};

/* Append its record's key, if it is tracked. Returns its number. Owns: the arena. */
int follow_record(struct cmd *begun, const struct queue *queue,
                  const struct follow_up *push, struct arena *arena);

/* Append its four arguments: the number of that queue, its delay, the number of its
 * record, its entry. Owns: the arena, until the command was sent. */
void follow_add(struct cmd *args, struct worker *worker, struct follow_keys keys,
                const struct follow_up *push, struct arena *arena);

/* All of that, for a follow-up of the feed's job that `settlement` has just got. */
void follow_settle(struct settlement *settlement, struct feed *feed,
                   const struct follow_up *push, struct arena *arena);

#endif
