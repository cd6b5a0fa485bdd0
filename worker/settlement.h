/* SPDX-License-Identifier: MIT */
/* One SETTLE being put together: a letter and its arguments for each job of a lease, in
 * order. Everything it is given is borrowed until it is sent. */
#ifndef LEAT_WORKER_SETTLEMENT_H
#define LEAT_WORKER_SETTLEMENT_H

#include "broker/cmd.h"
#include "schema/queue.h"
#include "worker/tally.h"

enum outcome {
    OUTCOME_DONE = 'a',
    OUTCOME_EXPIRED = 'x',
    OUTCOME_COUNTED = 'c', /* counter, delta, header if refused */
    OUTCOME_RETRY = 'r',   /* header, delay */
    OUTCOME_LATER = 'l',   /* header, delay, type or "" */
    OUTCOME_DEAD = 'd',    /* header */
    OUTCOME_BAD = 'b',     /* bytes of our header */
    OUTCOME_BACK = 'g',    /* header or "" */
    OUTCOME_FLIGHT = 'f',  /* header, lease id, ttl, max age; and a cache key */
};

struct settlement {
    char letters[LIMIT_LEASE_JOBS + 1];
    int jobs;
    int plain; /* jobs that are simply done */
    struct cmd args;
    struct bytes *cache_keys;
    int claims, claims_size;
};

/* Begin anew; keeps the memory. */
void settlement_reset(struct settlement *settlement);

/* Free. */
void settlement_fini(struct settlement *settlement);

/* The next job's outcome. Its arguments go to settlement->args, in the order above. */
void settlement_add(struct settlement *settlement, enum outcome outcome);

/* The cache key of the claim just added. */
void settlement_claim(struct settlement *settlement, struct bytes cache_key);

/* Put the command together: an ACK when every job is simply done, else a SETTLE. */
void settlement_write(struct settlement *settlement, struct cmd *cmd,
                      const struct queue *queue, const char *lease,
                      const struct tally *tally);

#endif
