/* SPDX-License-Identifier: MIT */
/* What Redis holds, and leat's scripts: an inline for each file of broker-schema/lua, named as
 * it is. A script runs alone in Redis, so its caller makes it one atomic step.
 *
 * A job is a bit, so a list or a set of jobs is a byte. That forgets order, which nobody is
 * promised, and duplicates: a job is pushed once (must_be_new), and from then on is in exactly
 * one place (check), after every step.
 *
 * What stands behind #ifdef is a mutant: one mistake that spin must find. */

/* ---- what Redis holds --------------------------------------------------------------- */

byte queue, staged, suspects;       /* leat:<q>, :h, :s */
byte sched, dead, again;            /* :sched, :dead, :again */
byte done, merged, removed;         /* ended; only counted in :m */
byte body[IDS];                     /* :body, by lease id; 0 is no lease */
short dated;                        /* :lease, the ids that have a deadline */
short counters;                     /* :counters, one of them; job j adds by(j) */
short followed;                     /* the follow-ups of j that came, by(j) each */
byte last_batch;                    /* :p:<producer> */
byte slot_job, slot_lease;          /* :slot of one key: holder + 1; its lease, or WAITS */
bool slot_lapsed, copy_fresh;       /* the slot's `until` has passed; :cache:<key> will do */
byte named_flight;                  /* entries whose header has k= */
byte iid[JOBS];                     /* in the header: 0 is bare, else the lease it is from */
byte deliveries[JOBS], fails[JOBS]; /* in the header */

/* What the promises are measured by; it goes back with the history. */
byte pushed;                        /* all jobs ever accepted */
byte not_due;                       /* of :sched: their time has not come */
byte suspected;                     /* their last lease ran out, not for the first time */
short used, claimed;                /* all lease ids there ever were; of these, by claims */
byte started_as[JOBS];              /* the name by which its handler knows a slow job */

/* ---- producers ---------------------------------------------------------------------- */

/* push.lua, schedule.lua: batch n brings job n - 1. */
inline PUSH(n) {
    if
#ifndef PUSH_WITHOUT_NUMBERS
    :: n <= last_batch -> result = NOTHING
    :: n > last_batch + 1 -> result = GAP + last_batch
#endif
    :: else ->
        must_be_new(n - 1);
        pushed = pushed | BIT(n - 1);
        if
        :: SCHEDULED & BIT(n - 1) -> put_into_sched(n - 1)
        :: else -> queue = queue | BIT(n - 1)
        fi;
        last_batch = n;
        result = OK
    fi
}

/* ZADD NX, and a mark where an equal member stands: no job collapses into another. */
inline put_into_sched(n) {
#ifdef ZADD_WITHOUT_NX
    sched = (sched == 0 -> BIT(n) : sched); /* as if all jobs had equal bytes */
#else
    sched = sched | BIT(n);
#endif
    not_due = not_due | BIT(n)
}

/* ---- leases ------------------------------------------------------------------------- */

inline open_lease(id, jobs) {
    must_be_new_lease(id);
    body[id] = jobs;
    dated = dated | BIT(id);
    used = used | BIT(id)
}

inline end_lease(id) {
    body[id] = 0;
    dated = dated & ~BIT(id)
}

/* reserve.lua. Any one of the jobs that wait, or all: that stands for order and batch size. */
inline RESERVE(id, alone) {
    taken = 0;
    if
    :: body[id] != 0 -> result = REFUSED /* DUPLEASE */
    :: else ->
        if
        :: alone && suspects != 0 -> select_one(suspects)
        :: !(alone && suspects != 0) -> taken = queue | staged
        :: !(alone && suspects != 0) && (queue | staged) != 0 -> select_one((queue | staged))
        fi;
        must_be_due(taken);
        must_be_alone(taken, alone);
        queue = queue & ~taken;
        staged = staged & ~taken;
        suspects = suspects & ~taken;
        if
        :: taken != 0 -> open_lease(id, taken)
        :: else
        fi;
        result = taken
    fi
}

/* reserve.lua, behind a bell: that job or none. */
inline RESERVE_RUNG(id, job) {
    if
    :: staged & job ->
        staged = staged & ~job;
        open_lease(id, job);
        result = job
    :: else -> result = NOTHING
    fi
}

inline add_all(how) {
    for (j : 0 .. JOBS - 1) {
        counters = counters + (outcome(how, j) == A_DONE -> by(j) : 0)
    }
    skip /* spin lets no loop end a branch */
}

/* ack.lua. The sums are the worker's, the jobs that end are the body's. */
inline ACK(id, how) {
    result = NOTHING;
    if
    :: body[id] != 0 ->
        add_all(how);
        done = done | body[id];
        end_lease(id);
        result = OK
#ifdef ACK_WITHOUT_FENCE
    :: else -> add_all(how)
#else
    :: else /* the fence */
#endif
    fi
}

/* A job of a lease that goes back without an outcome. */
inline give_back(n) {
    if
    :: deliveries[n] >= 2 -> suspects = suspects | BIT(n)
    :: else -> staged = staged | BIT(n)
    fi
}

/* release.lua */
inline RELEASE(id) {
    for (j : 0 .. JOBS - 1) {
        if
#ifdef RELEASE_FORGETS_SUSPECTS
        :: body[id] & BIT(j) -> staged = staged | BIT(j)
#else
        :: body[id] & BIT(j) -> give_back(j)
#endif
        :: else
        fi
    }
    end_lease(id);
    result = OK
}

/* reap.lua, of one lease whose deadline has passed. */
inline REAP(id) {
    for (j : 0 .. JOBS - 1) {
        if
        :: body[id] & BIT(j) ->
            name_job(j, id);
#ifndef REAP_FORGETS_DELIVERIES
            deliveries[j]++;
#endif
            suspected = (deliveries[j] >= 2 -> suspected | BIT(j) : suspected);
#ifdef REAP_KNOWS_NO_SUSPECTS
            staged = staged | BIT(j)
#else
            give_back(j)
#endif
        :: else
        fi
    }
    end_lease(id)
}

/* promote.lua */
#ifdef PROMOTE_TOO_EARLY
#define due sched
#else
#define due (sched & ~not_due)
#endif
inline PROMOTE() {
    taken = due;
    sched = sched & ~taken;
    queue = queue | taken
}

/* requeue.lua, remove.lua: of the dead. Requeued, deliveries and fails begin anew. */
inline REQUEUE(n) {
    dead = dead & ~BIT(n);
    queue = queue | BIT(n);
    deliveries[n] = 0;
    fails[n] = 0
}

inline REMOVE(n) {
    dead = dead & ~BIT(n);
    removed = removed | BIT(n)
}

/* ---- flights: lib/flight.lua -------------------------------------------------------- */

#define copy_will_do(n) (ONE_KEY && copy_fresh && (CHANGED & BIT(n)) == 0)
#define is_anothers(n) \
    (slot_job != 0 && slot_job != (n) + 1 && \
     (slot_lease == WAITS -> !slot_lapsed : body[slot_lease] != 0))

inline flight_end() {
    slot_lapsed = 0;
    if
    :: again == 0 -> slot_job = 0; slot_lease = 0
    :: else ->
        queue = queue | again;
        slot_job = index_of(again) + 1;
        slot_lease = WAITS;
        again = 0
    fi
}

inline flight_leave(n) {
    if
    :: (named_flight & BIT(n)) && slot_job == n + 1 -> flight_end()
    :: else
    fi
}

/* purge.lua, of one job. */
inline PURGE(n) {
    queue = queue & ~BIT(n);
    removed = removed | BIT(n);
    flight_leave(n)
}

/* land.lua, of a lease that holds one job. Only who has the flight writes the copy. */
inline LAND(id, job) {
    result = NOTHING;
    if
    :: body[id] != 0 ->
        must_hold(body[id], job);
        if
        :: slot_job != 0 && slot_lease == id -> copy_fresh = 1; flight_end()
        :: else
        fi;
        done = done | body[id];
        end_lease(id);
        result = OK
    :: else /* the fence */
    fi
}

/* ---- settle.lua --------------------------------------------------------------------- */

/* The header is written: a bare job is named after the lease it is in. */
inline name_job(job, namer) {
#ifdef NAMES
    iid[job] = (iid[job] == 0 -> namer : iid[job]);
#endif
    must_keep_its_name(job)
}

/* Outcome `e`, and `a` of a job without effects. */
inline end_well(n) {
#ifndef FOLLOW_UP_WITHOUT_FENCE
    followed = followed + ((SHARED & BIT(n)) -> by(n) : 0);
#endif
    done = done | BIT(n)
}

/* It goes into the lease `new`, with all that stay. */
inline stay(n, id) {
#ifdef NAMES
    started_as[n] = (iid[n] == 0 -> id : iid[n]);
#endif
#ifndef STAY_WITHOUT_NAME
    name_job(n, id);
#endif
    taken = taken | BIT(n)
}

/* Of a settle, whatever it finds. */
inline follow_up(how) {
    for (j : 0 .. JOBS - 1) {
        followed = followed + (outcome(how, j) == A_DONE && (SHARED & BIT(j)) -> by(j) : 0)
    }
    skip /* spin lets no loop end a branch */
}

inline claim_runs(n, id, new) {
#if ONE_KEY
    slot_job = n + 1;
    slot_lease = new;
    slot_lapsed = 0;
    named_flight = named_flight | BIT(n);
#endif
#ifdef NAMES
    started_as[n] = (iid[n] == 0 -> id : iid[n]);
#endif
#ifndef CLAIM_WITHOUT_NAME
    name_job(n, id);
#endif
    open_lease(new, BIT(n));
    claimed = claimed | BIT(new);
    verdict = RUN
}

inline claim_again(n, id) {
#ifndef AGAIN_IS_OVERWRITTEN
    merged = merged | again;
#endif
    again = BIT(n);
#ifndef AGAIN_WITHOUT_FLIGHT
    named_flight = named_flight | BIT(n);
#endif
    name_job(n, id)
}

inline claim(n, id, new) {
    verdict = NOT_RUN;
    if
    :: copy_will_do(n) -> /* fresh */
        if
        :: slot_job == n + 1 -> flight_end()
        :: else
        fi;
        done = done | BIT(n)
#ifndef CLAIM_IS_BLIND
    :: !copy_will_do(n) && is_anothers(n) && !(CHANGED & BIT(n)) -> merged = merged | BIT(n)
    :: !copy_will_do(n) && is_anothers(n) && (CHANGED & BIT(n)) -> claim_again(n, id)
#endif
    :: else -> claim_runs(n, id, new)
    fi
}

inline retry(n, id) {
    if
    :: slot_job == n + 1 -> slot_lease = WAITS; slot_lapsed = 0
    :: else
    fi;
    fails[n]++;
    name_job(n, id);
    put_into_sched(n)
}

inline end_one(n, id, new) {
    suspected = suspected & ~BIT(n);
    if
    :: letter == A_DONE -> end_well(n)
    :: letter == S_STAY -> stay(n, id)
    :: letter == X_EXPIRED -> flight_leave(n); removed = removed | BIT(n)
    :: letter == R_RETRY -> retry(n, id)
    :: letter == D_DEAD -> flight_leave(n); name_job(n, id); dead = dead | BIT(n)
    :: letter == G_BACK -> staged = staged | BIT(n)
    :: letter == F_CLAIM -> claim(n, id, new)
    :: else
    fi
}

/* An outcome for each job of the lease; `new` is the lease of those that stay, or of a claim:
 * at most one. */
inline SETTLE(id, how, new) {
    verdict = NONE;
    taken = 0;
#ifdef FOLLOW_UP_WITHOUT_FENCE
    follow_up(how);
#endif
    if
    :: body[id] == 0 -> /* the fence. For a claim: does its lease live? */
        result = NOTHING;
        verdict = (new == 0 -> NONE : (body[new] != 0 -> RUN : NOT_RUN))
#ifndef CLAIM_IDS_UNCHECKED
    :: body[id] != 0 && new != 0 && body[new] != 0 -> result = REFUSED /* DUPLEASE */
#endif
    :: else ->
        must_hold(body[id], jobs_of(how));
        add_all(how);
        for (i : 0 .. JOBS - 1) {
            letter = outcome(how, i);
            end_one(i, id, new)
        }
        if
#ifdef LEASE_SURVIVES_ITS_SPLIT
        :: verdict == RUN
#endif
        :: else -> end_lease(id)
        fi;
        if
        :: taken != 0 -> open_lease(new, taken); verdict = RUN
        :: else
        fi;
        result = OK
    fi
}
