/* SPDX-License-Identifier: MIT */
/* A call: one run of a user's job in the hands of its handler. It waits, runs, and ends
 * by exactly one of the functions below, which a kind calls; its run (run.h) then
 * settles it. What limits it is watched here: the soft time-out asks it to stop, a grace
 * later it is killed; so does a cancel. */
#ifndef LEAT_WORKER_CALL_H
#define LEAT_WORKER_CALL_H

#include "base/buf.h"
#include "schema/job_answer.h"
#include "worker/attempt.h"
#include "worker/handler.h"
#include "worker/settlement.h"

struct run;

enum call_state {
    CALL_WAITING,  /* in hand, not begun */
    CALL_RUNNING,  /* its handler has it */
    CALL_STOPPING, /* the same, and was asked to end */
    CALL_ENDED,    /* its outcome waits for the run's settle */
    CALL_SETTLING, /* it is on the way */
};

enum call_stop { CALL_GOES_ON, CALL_TIMED_OUT, CALL_CANCELLED };

struct call {
    struct attempt attempt; /* first: a call is an attempt */
    struct handler *handler;
    struct run *run;
    struct call *next;         /* in the run, in the order of its lease */
    struct call *next_waiting; /* in the handler */
    enum call_state state;
    enum call_stop stopped;
    void *work; /* the kind's own, between start and end */
    int64_t taken_mono_ms;
    int64_t timeout_ms;
    int64_t stop_mono_ms;     /* when it is asked to end, or, stopping, killed */
    int header_word;          /* of the arguments of the settle that moves it */
    int headed;               /* its entry in the lease has a header */
    enum outcome outcome;     /* once it ended */
    struct job_answer answer; /* its effects; in the arena */
    struct buf progress;      /* what it said last; told by call_watch() */
    struct bytes out, err;    /* the tails of its streams; in the arena */
    size_t effect_bytes;      /* about so much its end adds to a settle */
    struct arena arena;
};

static inline struct call *call_of(struct attempt *attempt)
{
    return (struct call *)(void *)attempt;
}

/* ---- what a kind reads ------------------------------------------------------------- */

/* Append the call as JSON, one object on one line, without its LF: what lines children,
 * HTTP peers and plugins get. `handle` is how an answer names it; NULL: it need not. */
void call_write(struct buf *out, const struct call *call, const char *handle);

/* Unix ms of the soft time-out, by this machine's clock. */
int64_t call_deadline_ms(const struct call *call);

/* A number that is greater in every later run of the same job, whatever the clocks of
 * workers say: microseconds of Redis TIME at the RESERVE that brought it, for each run of
 * a job has a RESERVE of its own. Not if that clock goes back between two runs: it was
 * set, or a replica on a machine that is behind took over. */
int64_t call_token(const struct call *call);

/* ---- how a kind ends it: the call is not the kind's any more ----------------------- */

/* As its handler answered; borrowed. An answer that is no end must not come here. */
void call_answer(struct call *call, const struct job_answer *answer);

/* It failed: run again by its policy, not before `at_least_ms`. Or die of it. */
void call_fail(struct call *call, const char *error, int64_t at_least_ms);
void call_die(struct call *call, const char *error);

/* Not a failure, but not done: again later. `why` may be NULL. */
void call_later(struct call *call, int64_t delay_ms, const char *why);

/* Not its own fault: to the head of the queue, at once. */
void call_give_back(struct call *call, const char *why);

/* It goes on; raw JSON, borrowed, for those who watch it. Of many the last is told. */
void call_progress(struct call *call, struct bytes progress);

/* What it wrote last, at most LIMIT_TAIL_BYTES of each stream, before one of the above
 * says that it failed: for the log of failures, and those who watch it. Borrowed. */
void call_tails(struct call *call, struct bytes out, struct bytes err);

/* ---- the worker's side ------------------------------------------------------------- */

/* Make one of an entry; `arena` and what `entry` and `envelope` borrow live as long as
 * the run it will be in. */
struct call *call_new(struct feed *feed, struct handler *handler,
                      const struct entry *entry, const struct envelope *envelope,
                      struct arena *arena);

/* About how many bytes of its lease it borrows from. */
int64_t call_bytes(const struct call *call);

/* Keep a copy of its own of what it borrows from its lease's body. */
void call_keep(struct call *call);

/* It comes to nothing: its lease is sorted anew, or gone. */
void call_forget(struct call *call);

/* Begin. The handler calls it. */
void call_start(struct call *call);

/* Its lease is gone, or the worker leaves: no end, no word to Redis. */
void call_abandon(struct call *call, enum joblog_event event, const char *why);

/* It is killed, if it runs, and goes back: the worker leaves. */
void call_take_back(struct call *call, const char *why);

/* Its effects were refused: it failed after all. */
void call_refuse(struct call *call, const char *error);

/* Stop it for that reason, if it runs. Returns 1 if it was not stopped before. */
int call_stop(struct call *call, enum call_stop why);

/* Somebody cancelled it: stop it if it runs, end it if it waits. Returns 0 if it had
 * ended, or was stopped before. */
int call_cancelled(struct call *call);

/* Look at the clock: is its time over? Called every CALL_WATCH_MS. */
enum { CALL_WATCH_MS = 50 };
void call_watch(struct call *call, int64_t mono_ms);

#endif
