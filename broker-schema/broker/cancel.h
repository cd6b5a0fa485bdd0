/* SPDX-License-Identifier: MIT */
/* Cancelling a job by its id, or by its iid, and learning what that did. CANCEL keeps the
 * id for a while and tells all workers at once; one that runs the job stops it and
 * answers. Meanwhile the job is looked for where jobs wait. One that waits for its time
 * is ended there and then, for its time may be far. One that is found nowhere may be
 * between two places: it would not start either. */
#ifndef LEAT_BROKER_CANCEL_H
#define LEAT_BROKER_CANCEL_H

#include "broker/track.h"
#include "broker/walk.h"

#include <ev.h>

enum {
    /* A job with this id does not start so long; if it is known when it is due, not so
     * long after that. */
    CANCEL_KEEP_MS = 86400000,
    CANCEL_ANSWER_MS = 2000, /* a worker that runs it answers in less */
    CANCEL_LOOK_MAX = 10000, /* entries looked at: of those ready, and of the scheduled */
};

enum cancel_fate {
    CANCEL_STOPPING,    /* it runs, and its worker is stopping it */
    CANCEL_WAITING,     /* it waits, and will not start */
    CANCEL_UNSCHEDULED, /* it waited for its time, and has ended */
    CANCEL_ENDED,       /* it has ended before; nothing was done */
    CANCEL_UNSEEN,      /* it is tracked and has not ended, but was seen nowhere */
    CANCEL_UNKNOWN,     /* nobody knows it */
};

struct cancel;
typedef void (*cancel_fn)(struct cancel *cancel, const struct err *err);

struct cancel {
    /* set by the caller, who keeps all of it in place until the end: */
    struct ev_loop *loop;
    struct link *link;
    struct stream_watch *watch;
    const struct queue *queue;
    const char *id;
    cancel_fn done; /* with an error it is unknown what was done; may free the cancel */
    void *arg;

    /* told at the end: */
    enum cancel_fate fate;
    char host[128], pid[24]; /* CANCEL_STOPPING: where */
    const char *where;       /* CANCEL_WAITING: queue, high, staging, suspects */
    struct track_record record;

    /* the cancel's own: */
    struct arena arena, scratch;
    struct stream_wait answer;
    ev_timer alarm;
    struct walk walk;
    struct cmd cmd;
    int is_busy; /* a script or a walk is under way */
    int is_late, is_unscheduled;
    struct err err;
};

/* Begin. Calls `done` exactly once, never before this returns.
 * Errors: LEAT_EUSAGE for the id; LEAT_ELINK while the link is down; LEAT_EBUSY when too
 * many wait: `done` is then not called, and nothing was done. */
int cancel_start(struct cancel *cancel, struct err *err);

/* Free what the cancel owns. A zeroed one is fine; one under way only when no answer can
 * come any more. */
void cancel_fini(struct cancel *cancel);

/* Append what came of it as a JSON object. */
void cancel_json(struct buf *out, const struct cancel *cancel);

#endif
