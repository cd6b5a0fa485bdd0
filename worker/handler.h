/* SPDX-License-Identifier: MIT */
/* The users' own job types. A handler is what the operator configured for one type; its
 * kind, a row of a table, knows how to run a job: as a program, as a line to a program
 * that stays, as a request, in a shared object. This file hands calls to kinds: as many
 * at once as the handler takes, the others wait here, for a moment only.
 *
 * How many may wait follows from how long the handler's jobs took: as many as are over
 * within WAIT_AIM_MS. So many are asked for, and those are taken, however long the others
 * took meanwhile. Those that have waited many times as long go back to the queue with the
 * next settle of their run. */
#ifndef LEAT_WORKER_HANDLER_H
#define LEAT_WORKER_HANDLER_H

#include "config/options.h"
#include "worker/types.h"
#include "worker/worker.h"

struct call;
struct handler;

enum { HANDLERS_MAX = 64 };

/* What the operator said, as the settings keep it: borrowed by all that use it. */
struct handler_config {
    const char *type;
    const struct handler_kind *kind;
    struct handler_keys keys;
    const char *secret; /* the first line of keys.secret_file, or NULL */
    int secret_is_public;
    int is_given; /* its command, at the command line */
};

struct handler_kind {
    const char *name;
    /* Does the configuration name what this kind needs?
     * Errors: LEAT_ECONFIG, a sentence that begins with the key; e.g. `command is
     * missing: …`. */
    int (*check)(const struct handler_config *config, struct err *err);
    /* Use what it names, as far as that can be done without a job, if `check` is content:
     * it may run what is foreign, and take its time, so only --check-config asks. NULL:
     * there is no more to find out. Errors: as of `check`. */
    int (*try)(const struct handler_config *config, struct err *err);
    /* Before the first job, and behind the last: when a worker begins and ends. What
     * `open` returns is handler->state. NULL: nothing to do. */
    void *(*open)(struct handler *handler);
    void (*close)(void *state);
    /* How many calls it takes at once, as far as it knows by now. */
    int (*capacity)(const struct handler *handler);
    /* Begin. It ends by one of the ends of call.h, exactly once, and not before this
     * returns. */
    void (*start)(struct call *call);
    /* Ask it to end: its time is over, or somebody cancelled it. Whatever it answers by
     * now does not count, but its end does: call_answer(), call_fail() … as ever. */
    void (*stop)(struct call *call);
    /* End it at once. No end follows: the call is the caller's again. */
    void (*kill)(struct call *call);
};

struct handler {
    struct job_type type; /* as sort.c and the attempts see it */
    const struct handler_config *config;
    struct worker *worker;
    void *state;    /* the kind's own */
    int running;    /* calls that it was given */
    int waiting;    /* that wait for it in this process */
    int coming;     /* that a settle has yet to move to it */
    int asked;      /* that were asked for, and did not come yet */
    int64_t done;   /* that are over */
    double mean_ms; /* how long one took, of late */
    struct call *first_waiting, **waiting_end;
};

/* The kind of that name, or NULL. */
const struct handler_kind *handler_kind_find(const char *name);

/* Those of the worker's configuration. Owns: worker->handlers. */
void handlers_open(struct worker *worker);
void handlers_close(struct worker *worker);

/* The type's handler, or NULL. */
struct handler *handler_find(const struct worker *worker, struct bytes type);

/* How many more jobs of its type the worker has room for, to run or to wait. */
int handler_room(const struct handler *handler);

/* The same, but none until half of those that may wait began: many small leases cost more
 * than a few large ones. */
int handler_wants(const struct handler *handler);

/* A call has been reserved: begin it, or let it wait. */
void handler_take(struct call *call);

/* A call that waits goes elsewhere. */
void handler_drop(struct call *call);

/* A call that ran is over: the next one may begin. */
void handler_done(struct call *call);

/* A call has been running for so long. */
void handler_notice(struct handler *handler, int64_t ms);

/* Something came free, in the handler or in the worker: begin with what waits. A kind
 * calls it when its capacity grew. */
void handler_pump(struct handler *handler);

#endif
