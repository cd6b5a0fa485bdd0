/* SPDX-License-Identifier: MIT */
/* One queue's supply: how many leases to ask for, how large, and when. The size of a
 * lease adapts: 16 jobs at first, doubling while the queue turns out to hold only instant
 * jobs, as many as there are free slots when it holds slow ones; several are in flight,
 * so that Redis never waits for us. */
#ifndef LEAT_WORKER_FEED_H
#define LEAT_WORKER_FEED_H

#include "worker/worker.h"

struct bell;
struct cancels;

enum feed_state {
    FEED_HUNGRY,  /* there may be jobs: reserve */
    FEED_IDLE,    /* the last reserve found none: the bells wait */
    FEED_RESTING, /* not now: paused, broken, or only jobs that find no slot */
};

struct feed {
    struct worker *worker;
    struct queue queue;
    enum feed_state state;
    int reserving;           /* reserves without an answer */
    int batch;               /* jobs to ask for */
    int suspects;            /* waiting to run alone, as last seen */
    int paused;              /* as the last reserve saw it */
    int broken;              /* its keys hold something else: an alarm is up */
    int full;                /* it rests because its slow jobs found no slot */
    struct handler *handler; /* that most of its jobs are for, as last seen; or NULL */
    int extending;           /* an EXTEND of its leases is on the way */
    int64_t reaping_mono_ms; /* a REAP on its way was sent then; 0: none */
    int64_t scanned_mono_ms; /* when it last looked behind them */
    int64_t asked_mono_ms;   /* a reserve was answered, or there was a reason for none */
    ev_timer rest;
    struct bell *bells[2];
    struct cancels *cancels; /* what must not start */
};

/* What a reserve brought, for the next one's size. */
struct feed_news {
    int asked, got;
    int slow;                /* jobs of slow types */
    int back;                /* of them, given back for want of a slot */
    struct handler *handler; /* that took the last of them; NULL: there was none */
};

/* Set up, hungry; the queue is copied. Its bells connect at once, unless the worker
 * drains. */
void feed_init(struct feed *feed, struct worker *worker, const struct queue *queue);
void feed_fini(struct feed *feed);

/* Tell worker->shares how it stands. */
void feed_note(const struct feed *feed);

/* Jobs were asked for, or, less than 0, did not come. */
void feed_charge(const struct feed *feed, int jobs);

/* Reserve, or arm the bells, as the state asks for. */
void feed_pump(struct feed *feed);

/* Is there a reason to ask for nothing now: a stop, a suspect, no room, another's
 * turn? */
int feed_abstains(const struct feed *feed);

/* Redis answered a reserve; or a tick, while the feed abstains. */
void feed_progressed(struct feed *feed);

/* When fetching last went on: by the above, or because both bells block. */
int64_t feed_fetched_mono_ms(const struct feed *feed);

/* There may be jobs. */
void feed_wake(struct feed *feed);

/* A slot came free: a feed that rests for want of one need not rest on. */
void feed_slot_free(struct feed *feed);

/* Hang up its bells; connect them again. */
void feed_fall_silent(struct feed *feed);
void feed_listen(struct feed *feed);

/* Does one of its bells block? */
int feed_listens(const struct feed *feed);

/* Leave the queue alone for a while. */
void feed_rest(struct feed *feed, int64_t ms);

/* A reserve was answered: with jobs, with none. */
void feed_learn(struct feed *feed, const struct feed_news *news);
void feed_found_nothing(struct feed *feed);

/* A lease was settled, or there was none: the queue's alarm, if any, is over. */
void feed_well(struct feed *feed);

/* A reserve or a settle was refused for good: stop the queue or the worker. */
void feed_refused(struct feed *feed, const struct answer *answer);

/* Give leases back: those whose reply was lost, and unstarted ones. */
void feed_release(struct feed *feed, const char *lease);

#endif
