/* SPDX-License-Identifier: MIT */
/* Follow-ups, of an answer's `push` or an envelope's `then`, as arguments of SETTLE and
 * LAND, which push them in the step that ends their job. */
#ifndef LEAT_WORKER_FOLLOW_H
#define LEAT_WORKER_FOLLOW_H

#include "broker/cmd.h"
#include "schema/follow_up.h"
#include "schema/queue.h"
#include "worker/feed.h"

/* The queue that a follow-up of the feed's job goes to; listed, if it is another one.
 * Owns: the arena. */
const struct queue *follow_queue(struct feed *feed, const struct follow_up *push,
                                 struct arena *arena);

/* Append its three arguments: the number of that queue among the targets, its delay, its
 * entry. Owns: the arena, until the command was sent. */
void follow_add(struct cmd *args, struct worker *worker, int target,
                const struct follow_up *push, struct arena *arena);

#endif
