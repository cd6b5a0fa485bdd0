/* SPDX-License-Identifier: MIT */
/* A refresh under a lease of its own: claimed in the settle of the lease it came with,
 * then started, extended while it runs, and ended by exactly one of the functions
 * below. */
#ifndef LEAT_WORKER_FLIGHT_H
#define LEAT_WORKER_FLIGHT_H

#include "schema/args.h"
#include "schema/follow_up.h"
#include "worker/attempt.h"
#include "worker/feed.h"
#include "worker/follow.h"

struct fetch;

struct flight {
    struct attempt attempt; /* first: a flight is an attempt */
    char lease[LIMIT_LEASE_ID_BYTES + 1];
    struct arena arena;     /* owns all below, and what the attempt borrows */
    struct bytes cache_key; /* the Redis key */
    struct refresh_args refresh;
    int follows; /* a job follows when it is done: */
    struct follow_up then;
    struct follow_keys keys; /* its, in the LAND that is put together */
    struct fetch *fetch;
    const char *etag, *last_modified; /* of the kept copy */
    int ending;                       /* its settle is on the way */
    int whole;     /* fetch without conditions: the kept copy changed under us */
    int asking;    /* a question to Redis is on the way */
    int abandoned; /* to be freed when its answer is there */
};

static inline struct flight *flight_of(struct attempt *attempt)
{
    return (struct flight *)(void *)attempt;
}

/* Make one of an entry, with a new lease id; takes a slot.
 * Errors: LEAT_EDATA: args that the type cannot read; no flight and no slot is taken. */
int flight_new(struct flight **out, struct feed *feed, const struct job_type *type,
               const struct entry *entry, struct err *err);

/* Free it and its slot. */
void flight_free(struct flight *flight);

/* Begin: its claim said run. */
void flight_run(struct flight *flight);

/* Give its lease back, and say so in the record of a tracked job: it waits again. */
void flight_release(const struct flight *flight);

/* The copy was fetched, or is still good: begin the call of LAND, to which the caller
 * adds its arguments from the mode on; send it. Nothing else may be sent in between. */
struct cmd *flight_begin_land(struct flight *flight);
void flight_land(struct flight *flight);

/* Failed: run again by the job's policy, not before `at_least_ms`; or die of it. */
void flight_retry(struct flight *flight, const char *error, int64_t at_least_ms);
void flight_die(struct flight *flight, const char *error);

/* Somebody cancelled it: it ends, at once or with Redis' next answer. Returns 0 if its
 * end is on the way. */
int flight_cancel(struct flight *flight);

/* The lease is gone, or the worker leaves: stop without an end. `why` is for the log. */
void flight_abandon(struct flight *flight, enum joblog_event event, const char *why);

#endif
