/* SPDX-License-Identifier: MIT */
/* What happens by the clock: once a second (±20 %, so that fleets spread) expired leases
 * are reaped and due jobs promoted, sooner when something is known to become due sooner;
 * running leases are extended at a third of their time; every five seconds the worker's
 * record is written and its queues are listed. Any worker may do all of it at any time:
 * there is no leader. A connection of its own listens on the queues' control streams for
 * what cannot wait for a tick. */
#ifndef LEAT_WORKER_TICK_H
#define LEAT_WORKER_TICK_H

#include "worker/worker.h"

/* Begin to tick for a worker. Owns: the caller frees with tick_free(). */
struct tick *tick_new(struct worker *worker);
void tick_free(struct tick *tick);

/* Something becomes due in so many milliseconds: promote then, if that is before the
 * tick. */
void tick_due_in(struct tick *tick, int64_t ms);

/* Send a command whose answer matters to nobody. */
void tick_send_quietly(struct worker *worker, const struct cmd *cmd);

#endif
