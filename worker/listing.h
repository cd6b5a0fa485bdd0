/* SPDX-License-Identifier: MIT */
/* The set in Redis that people find queues in: a worker names those that it serves, and
 * those that follow-ups go to. The names of the latter are kept, for a few seconds, so
 * that a queue is not named once more with each job that goes there. */
#ifndef LEAT_WORKER_LISTING_H
#define LEAT_WORKER_LISTING_H

#include "schema/limits.h"

struct worker;

enum { LISTING_MAX = 64 }; /* as many as one answer has follow-ups */

struct listing {
    char names[LISTING_MAX][LIMIT_QUEUE_NAME_BYTES + 1];
    int count;
};

/* Name the worker's own queues, and forget the others: Redis may have lost the set, or
 * somebody a name. */
void listing_renew(struct worker *worker);

/* Name a queue that a job is about to go to, unless it was named since then. */
void listing_add(struct worker *worker, const char *queue);

#endif
