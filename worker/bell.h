/* SPDX-License-Identifier: MIT */
/* What wakes an idle feed: a connection blocked in BLMOVE from a list of the queue to its
 * staging list, with a RESERVE of one job pipelined right behind it. The blocking command
 * never owns a job: whoever reserves next takes what is staged, so a dead or half-open
 * connection strands nothing but, for three seconds, the one lease behind it. */
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

/* Hang up, and give back what its reserve may have taken. */
void bell_hang_up(struct bell *bell);

#endif
