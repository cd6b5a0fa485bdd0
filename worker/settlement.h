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
    OUTCOME_COUNTED = 'c',   /* counter, delta, header if refused */
    OUTCOME_RETRY = 'r',     /* header, delay; settlement_tails() */
    OUTCOME_LATER = 'l',     /* header, delay, type or "" */
    OUTCOME_DEAD = 'd',      /* header; settlement_tails() */
    OUTCOME_BAD = 'b',       /* bytes of our header */
    OUTCOME_BACK = 'g',      /* header or "" */
    OUTCOME_FLIGHT = 'f',    /* header, lease id, ttl, max age, pushes; a cache key */
    OUTCOME_STAY = 's',      /* header or ""; settlement_stay() */
    OUTCOME_EFFECTS = 'e',   /* header if a counter refuses, n, n times counter and delta,
                              pushes */
    OUTCOME_CANCELLED = 'k', /* id, 1 when it ran, else 0 */
};

/* What a job dies of when a counter, or a queue that it pushes to, refuses. */
#define OUTCOME_REFUSED                                                                  \
    "a counter refused what the job adds: it would leave its range, or holds no "        \
    "integer; or a queue that it pushes to holds something else"

/* Pushes are: m, m times what follow.h writes: settlement_target(), delay ms or 0, its
 * number in `begun` or 0, entry; one that is delayed has a header with an iid of its own.
 *
 * A tracked job brings its record behind all that: keep ms, n, n times field and value;
 * and, with OUTCOME_COUNTED and OUTCOME_EFFECTS, n, n times field and value for the case
 * that a counter refuses and the job dies. n is 1 to 64. */

struct settlement {
    char letters[LIMIT_LEASE_JOBS + 1];
    int jobs;
    int plain; /* jobs that are simply done */
    int grows; /* it brings new bytes: to be refused at maxmemory */
    struct cmd args;
    /* Lists of words: `begun` are the records of tracked follow-ups. */
    struct cmd cache_keys, records, begun;
    struct cmd tails; /* the last arguments */
    const struct queue **targets;
    int target_count, target_size;
    const char *stay_lease;
    int64_t stay_ttl_ms;
};

/* Begin anew; keeps the memory. */
void settlement_reset(struct settlement *settlement);

/* Free. */
void settlement_fini(struct settlement *settlement);

/* The next job's outcome. Its arguments go to settlement->args, in the order above, by
 * cmd_add…(); settlement_claim(), _target() and _track() may be called before, between or
 * behind these. */
void settlement_add(struct settlement *settlement, enum outcome outcome);

/* The ends of what the run of the failure just added wrote to stdout and stderr, each at
 * most LIMIT_TAIL_BYTES. No effect if it wrote nothing. */
void settlement_tails(struct settlement *settlement, struct bytes out, struct bytes err);

/* The cache key of the claim just added. */
void settlement_claim(struct settlement *settlement, struct bytes cache_key);

/* The new lease of all jobs that stay: once, when there are any. It is the last verdict
 * of the answer. */
void settlement_stay(struct settlement *settlement, const char *lease, int64_t ttl_ms);

/* The number of a queue that follow-ups go to; each queue has one. */
int settlement_target(struct settlement *settlement, const struct queue *target);

/* The job just added is tracked, under this record. */
void settlement_track(struct settlement *settlement, struct bytes record_key);

/* What was added needs memory, as follow-ups and results do: refuse all of it when there
 * is none. */
void settlement_grow(struct settlement *settlement);

/* Put the command together: an ACK when every job is simply done, else a SETTLE, in the
 * text that is refused at maxmemory if it grows. */
void settlement_write(struct settlement *settlement, struct cmd *cmd,
                      const struct queue *queue, const char *lease,
                      const struct tally *tally);

#endif
