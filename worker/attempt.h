/* SPDX-License-Identifier: MIT */
/* One try at a slow job, whoever makes it: what the worker's list, its record and the log
 * know of it. Two things are attempts: a flight, which is a refresh under a lease of its
 * own (flight.h), and a call, which is a job in the hands of a handler (call.h). */
#ifndef LEAT_WORKER_ATTEMPT_H
#define LEAT_WORKER_ATTEMPT_H

#include "schema/entry.h"
#include "schema/envelope.h"
#include "worker/joblog.h"
#include "worker/types.h"
#include "worker/worker.h"

struct feed;

struct attempt {
    struct attempt *next, **link_here; /* in worker->attempts, or in lease->claims */
    struct feed *feed;
    const struct job_type *type;
    const char *lease; /* that it is in now; not its own */
    struct entry entry;
    struct envelope envelope;
    int64_t started_mono_ms; /* 0: it has not begun */
    int64_t ended_mono_ms;   /* 0: it has not ended */
    int solo;                /* a suspect: nothing else may be held beside it */
    int cancelled;           /* while Redis was asked for it: it must not go on */
    /* What its settle will have come to: told when that is answered. */
    enum joblog_event end;
    const char *error;
    int64_t retry_in_ms;
};

/* It begins: put it in front of the worker's list. Its slot is its owner's business. */
void attempt_begin(struct attempt *attempt);

/* It ended: take it off that list. No effect if it never began. */
void attempt_end(struct attempt *attempt);

/* The id that its producer gave it; without one, its iid. */
struct bytes attempt_id(const struct attempt *attempt);

/* Does `id` name it: as its producer does, or as we do? */
int attempt_is(const struct attempt *attempt, struct bytes id);

/* What the log shows of it; `why` may be NULL. Borrows from the attempt. */
struct joblog attempt_log(const struct attempt *attempt, const char *why);

/* Tell the log what became of it. */
void attempt_tell(const struct attempt *attempt, enum joblog_event event,
                  const char *why);

/* How long it waits for its next run: the policy of its job, else of its type. Counts the
 * failure. Returns milliseconds, at least `at_least_ms`; -1: it dies of it. */
int64_t attempt_back_off(struct attempt *attempt, int64_t at_least_ms);

/* Append the header it leaves with, `error` in it; NULL: the one it has. */
void attempt_write_header(struct buf *out, struct attempt *attempt, const char *error);

#endif
