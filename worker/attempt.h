/* SPDX-License-Identifier: MIT */
/* A slow job under a lease of its own: claimed in the settle of the lease it came with,
 * then started, extended while it runs, and ended by exactly one of the functions
 * below. */
#ifndef LEAT_WORKER_ATTEMPT_H
#define LEAT_WORKER_ATTEMPT_H

#include "worker/feed.h"
#include "schema/args.h"
#include "schema/entry.h"
#include "schema/envelope.h"
#include "worker/joblog.h"
#include "worker/types.h"

struct fetch;

struct attempt {
    struct attempt *next, **link_here; /* in worker->attempts, or in lease->claims */
    struct feed *feed;
    const struct job_type *type;
    char lease[LIMIT_LEASE_ID_BYTES + 1];
    struct arena arena; /* owns all below */
    struct entry entry;
    struct envelope envelope;
    struct bytes cache_key; /* the Redis key */
    struct refresh_args refresh;
    struct fetch *fetch;
    const char *etag, *last_modified; /* of the kept copy */
    int64_t started_mono_ms;
    int solo;      /* a suspect: nothing else may be held beside it */
    int ending;    /* its settle is on the way */
    int whole;     /* fetch without conditions: the kept copy changed under us */
    int asking;    /* a question to Redis is on the way */
    int abandoned; /* to be freed when its answer is there */
    /* What its settle will have come to: told when that is answered. */
    enum joblog_event end;
    const char *error;
    int64_t retry_in_ms;
};

/* Make one of an entry, with a new lease id; takes a slot. `iid` names the job.
 * Errors: LEAT_EDATA: args that the type cannot read; no attempt and no slot is taken. */
int attempt_new(struct attempt **out, struct feed *feed, const struct job_type *type,
                const struct entry *entry, struct err *err);

/* Free it and its slot. */
void attempt_free(struct attempt *attempt);

/* Begin: its claim said run. */
void attempt_run(struct attempt *attempt);

/* The copy was fetched, or is still good. The caller filled `cmd` by call_land(). */
void attempt_land(struct attempt *attempt, const struct cmd *cmd);

/* Failed: run again by the job's policy, not before `at_least_ms`; or die of it. */
void attempt_retry(struct attempt *attempt, const char *error, int64_t at_least_ms);
void attempt_die(struct attempt *attempt, const char *error);

/* The lease is gone, or the worker leaves: stop without an end. `why` is for the log. */
void attempt_abandon(struct attempt *attempt, enum joblog_event event, const char *why);

/* Tell the log what became of it. */
void attempt_tell(const struct attempt *attempt, enum joblog_event event,
                  const char *why);

#endif
