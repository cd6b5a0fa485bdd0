/* SPDX-License-Identifier: MIT */
/* Reads the jobs of a lease and gives each its outcome: an end, a later run, a claim, the
 * way back. Nothing has happened then: the lease is settled by what was written. */
#ifndef LEAT_WORKER_SORT_H
#define LEAT_WORKER_SORT_H

#include "worker/lease.h"

enum { SORT_OVERFLOWS = 1 /* in lease->refused, instead of a sum */ };

/* Sort all jobs anew: into worker->settlement, worker->tally, lease->claims and
 * lease->told. `news` is what the feed learns from them. */
void sort_lease(struct lease *lease, struct feed_news *news);

#endif
