/* SPDX-License-Identifier: MIT */
/* What wakes an idle feed: a connection blocked in BLMOVE from a list of the queue to its
 * staging list. The blocking command never owns a job: whoever reserves next takes what
 * is staged, so a dead or half-open connection strands nothing. Its answer carries the
 * job's bytes, so that work begins at once (lease_rung()). */
#ifndef LEAT_WORKER_BELL_H
#define LEAT_WORKER_BELL_H

#include "worker/feed.h"

/* `high`: listen on the high list instead of the queue. */
struct bell *bell_new(struct feed *feed, int high);
void bell_free(struct bell *bell);

/* Block for the next job, unless it does already. */
void bell_arm(struct bell *bell);

/* Is it blocked, or about to be? */
int bell_is_armed(const struct bell *bell);

/* When it last began to block, or was answered; 0: never. Accepts NULL. */
int64_t bell_blocked_mono_ms(const struct bell *bell);

/* Connect one that was hung up; it blocks once it is armed again. */
void bell_connect(struct bell *bell);

/* Listen no more. What it moves in its last moment is found by the fleet's next tick. */
void bell_hang_up(struct bell *bell);

#endif
