/* SPDX-License-Identifier: MIT */
/* What the run that a job died of wrote last. A dead job's entry has no room for it: it
 * stands in the log of failures, as long as that has the death. Found by a walk of
 * WALK_FAILED, at most FAILURES_KEPT, which ends where the records are older. */
#ifndef LEAT_BROKER_TAILS_FIND_H
#define LEAT_BROKER_TAILS_FIND_H

#include "broker/resting.h"

struct tails_find {
    struct resting job;    /* set by the caller: who died; borrowed */
    struct arena *arena;   /* gets the bytes */
    struct bytes out, err; /* found; empty until then */
};

/* Look at a record: the walk's `entry`, its `arg` the find. */
int tails_find_look(void *arg, struct bytes raw, int64_t at_ms);

#endif
