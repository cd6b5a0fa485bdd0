/* SPDX-License-Identifier: MIT */
/* leat's protocol, for spin. README.md says how to read it; run.sh makes a scenario of it by
 * naming other bounds than these. A set of jobs has bit j for job j. */

#ifndef JOBS
#define JOBS 2       /* at most 3 */
#endif
#ifndef IDS
#define IDS 5        /* lease ids are 1 to IDS - 1, at most 14 */
#endif
#ifndef BATCHES
#define BATCHES 0    /* jobs that the producer pushes, from job 0 on; the rest is there */
#endif
#ifndef SCHEDULED
#define SCHEDULED 0  /* jobs with a due time */
#endif
#ifndef INSTANT
#define INSTANT 0    /* jobs that their ACK does; the others are slow, they run first */
#endif
#ifndef SHARED
#define SHARED 0     /* slow jobs that run in the lease they came in; each has effects */
#endif
#ifndef FAILING
#define FAILING 0    /* slow jobs that may fail */
#endif
#ifndef RETRIES
#define RETRIES 1    /* retry.max */
#endif
#ifndef EXPIRES
#define EXPIRES 0    /* jobs that may pass their expires_at_ms */
#endif
#ifndef POISON
#define POISON 0     /* the job that kills the worker who reads it */
#endif
#ifndef DELIVERIES
#define DELIVERIES 5 /* leases that may run out before a job dies */
#endif
#ifndef ONE_KEY
#define ONE_KEY 0    /* 1: all slow jobs fetch the same cache key */
#endif
#ifndef CHANGED
#define CHANGED 0    /* of these, jobs with a max age of 0 */
#endif
#ifndef BELL
#define BELL 0       /* 1: workers hear of jobs by BLMOVE, too */
#endif
#ifndef CANNOT_KILL
#define CANNOT_KILL 0 /* 1: CLIENT KILL is not permitted */
#endif

/* How often in a run: */
#ifndef LOSSES
#define LOSSES 0     /* a connection breaks */
#endif
#ifndef KILLS
#define KILLS 0      /* a worker dies */
#endif
#ifndef LATE
#define LATE 0       /* a lease runs out although its holder lives */
#endif
#ifndef RETURNS
#define RETURNS 0    /* a worker gives back what it has just got */
#endif
#ifndef REFUSALS
#define REFUSALS 0   /* a push is refused for now */
#endif
#ifndef OPERATIONS
#define OPERATIONS 0 /* an operator requeues, removes, purges */
#endif
#ifndef CRASHES
#define CRASHES 0    /* Redis loses the end of its history */
#endif

#define WORKERS 2
#define P WORKERS    /* the producer */
#define USERS 3

#define BIT(n) (1 << (n))
#define index_of(one) ((one) == 1 -> 0 : ((one) == 2 -> 1 : 2))
#define by(j) (1 << (2 * (j))) /* so a sum tells who was counted how often, up to 3 times */
#define WAITS 255              /* '-' in the slot */

/* Answers; RESERVE's is the set of jobs. */
#define NOTHING 0
#define OK 1
#define REFUSED 128 /* an error: nothing has changed */
#define GAP 64      /* + the last number */

/* Verdicts of a claim. */
#define NONE 0      /* there was none */
#define RUN 1
#define NOT_RUN 2   /* fresh, merged, again; gone */

/* Outcomes, three bits a job. */
#define A_DONE 1
#define X_EXPIRED 2
#define R_RETRY 3
#define D_DEAD 4
#define G_BACK 5
#define F_CLAIM 6
#define S_STAY 7
#define outcome(how, j) (((how) >> (3 * (j))) & 7)

/* Scratch of one atomic step, which ends by tidy(), so that states do not differ by it. (To
 * hide it would be wrong: spin does not restore what is hidden when it tries another branch.)
 * The command in Redis' hands, its answer; the rest. */
mtype name;
byte id, new, caller, result, verdict;
short words;
byte taken, letter, i, j;

inline tidy() {
    d_step {
        name = 0; id = 0; new = 0; caller = 0; result = 0; verdict = 0; words = 0;
        taken = 0; letter = 0; i = 0; j = 0
    }
}

/* Some job of a set that is not empty: `taken`. */
inline select_one(from) {
    j = 0;
    do
    :: (from) & BIT(j) -> taken = BIT(j); break
    :: (from) >> (j + 1) != 0 -> j++
    od;
    skip /* spin lets no loop end right before a d_step */
}

#include "promises.pml"
#include "redis.pml"
#include "check.pml"
#include "links.pml"
#include "worker.pml"
#include "others.pml"
#if CRASHES
#include "history.pml"
#endif

init {
    atomic {
        pushed = (BIT(JOBS) - 1) & ~(BIT(BATCHES) - 1);
        queue = pushed & ~SCHEDULED;
        sched = pushed & SCHEDULED;
        not_due = sched;
        run redis(0);
        run redis(1);
        run worker(0);
        run worker(1);
        for (i : 1 .. IDS - 1) {
            run deadline(i)
        }
        tidy();
        run tick();
#if BATCHES
        run redis(P);
        run producer();
#endif
#if OPERATIONS
        run operator();
#endif
#if CRASHES
        run crash();
#endif
        run the_end()
    }
}
