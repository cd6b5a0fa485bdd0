/* SPDX-License-Identifier: MIT */
/* A run: a lease whose jobs are in the hands of handlers. Each job ends on its own. What
 * has ended is settled within some milliseconds; what still runs moves, in the same
 * step, into a new lease. So a lease of a thousand quick jobs costs one script, and a
 * slow one keeps nobody's effects waiting.
 *
 *   lease.c reserves and sorts -> run_begin -> calls end -> flush -> all settled, or a
 *   smaller run under the next lease
 */
#ifndef LEAT_WORKER_RUN_H
#define LEAT_WORKER_RUN_H

#include "worker/call.h"

struct lease;
struct redisReply;

struct run {
    struct run *next, **link_here; /* in worker->runs */
    struct feed *feed;
    char lease[LIMIT_LEASE_ID_BYTES + 1];
    char moved[LIMIT_LEASE_ID_BYTES + 1]; /* where what runs will be */
    struct call *calls;                   /* in the order of the lease */
    int count, ended;
    int settling;             /* a settle is on the way */
    int leaving;              /* nothing begins any more */
    int solo;                 /* its job is a suspect */
    size_t settling_bytes;    /* of effects, in that settle */
    int64_t settled_mono_ms;  /* when it was sent */
    int64_t extended_mono_ms; /* no job begins when this is too long ago */
    int64_t asked_mono_ms;    /* an EXTEND that names its lease was sent then; 0: none */
    int64_t wall_ahead_ms;    /* Unix time less monotonic time, when it began */
    int64_t token;            /* of its calls */
    int64_t body_bytes;
    ev_timer flush;
    /* What its calls borrow from: the body until most of them have ended (NULL then). */
    struct redisReply *body;
    struct arena arena;
};

/* All of these calls run under `lease`, whose entries they are: its id, or the one that a
 * settle moved them to. Takes over body and arena. `sent_mono_ms`: when the lease's
 * deadline was last asked for. */
void run_begin(struct lease *lease, const char *id, int64_t sent_mono_ms);

/* A call of it has ended. */
void run_ended(struct run *run);

/* The lease that its jobs are in when Redis reads what is sent now, behind the settle
 * that may be on the way. */
const char *run_lease(const struct run *run);

/* May a job of it begin now? Not when its lease may have run out. */
int run_may_start(const struct run *run, int64_t now_mono_ms);

/* An EXTEND that is sent now names its lease. */
void run_ask(struct run *run, int64_t now_mono_ms);

/* An EXTEND of its queue was answered, by success or not; it counts if it named the lease
 * that the run is in now. */
void run_extended(struct run *run, int success);

/* Redis said that its lease is gone. */
void run_lost(struct run *run);

/* Stop at once: what has not ended is killed and given back, what has is settled. */
void run_leave(struct run *run);

/* Cancel the jobs of that id. Returns how many there were. */
int run_cancel(struct run *run, struct bytes id);

/* Has a job of it ended that is not settled, other than by going back? */
int run_has_ends(const struct run *run);

/* Give back what has not begun. */
void run_give_back_waiting(struct run *run);

/* Once for each worker: the timer that looks after the calls of all its runs. */
void run_watch_init(struct worker *worker);

/* Forget it, without a word to Redis. */
void run_free(struct run *run);

#endif
