/* SPDX-License-Identifier: MIT */
/* A worker process: feeds that reserve leases, leases that are read and settled, attempts
 * that run slow jobs, and a clock that ticks for all of them. One thread, one loop.
 *
 *   feed.c      what to ask for, and when       share.c     whose turn it is
 *   bell.c      waking up an idle feed          lease.c     reserving, settling
 *   sort.c      each job's outcome              attempt.c   what flights and calls share
 *   flight.c    a refresh, under its lease      run.c       users' jobs, under one lease
 *   call.c      one of them                     handler.c   who runs them
 *   tick.c      reap, promote, extend           record.c    what the fleet sees of it
 *   drain.c     when --drain is done            joblog.c    what the log tells of a job
 *   listing.c   where people find the queues
 */
#ifndef LEAT_WORKER_WORKER_H
#define LEAT_WORKER_WORKER_H

#include "broker/link.h"
#include "schema/queue.h"
#include "worker/listing.h"
#include "worker/settlement.h"
#include "worker/share.h"
#include "worker/tally.h"

#include <ev.h>

enum {
    WORKER_QUEUES_MAX = SHARE_MAX,
    WORKER_GRACE_MS = 25000, /* of what runs, when a stop is asked for */
};

enum drain { DRAIN_NO, DRAIN_READY, DRAIN_ALL };

struct handler_config;
struct netguard;
struct type_policy;
struct child_groups;

struct worker_config {
    struct redis_url url;
    const char *queues[WORKER_QUEUES_MAX];
    int weights[WORKER_QUEUES_MAX]; /* 0: not said, as 1 */
    int queue_count;
    enum share_order order;
    int slots; /* slow jobs at once */
    int64_t lease_ms;
    enum drain drain;
    const struct netguard *guard; /* which addresses may be fetched from */
    const struct type_policy *policies;
    int policy_count;
    const struct handler_config *handlers;
    int handler_count;
    struct child_groups *groups; /* where handlers' are noted for the master; or NULL */
    int process, processes; /* its place in its master's pool, from 1; 0: no master */
    int leave_suspects; /* to another process of its master: only one empties itself */
    int insist;         /* wait for Redis also when it was never reached */
};

enum worker_state {
    WORKER_RUNNING,
    WORKER_QUIET,    /* takes nothing, until told to go on */
    WORKER_STOPPING, /* takes nothing, finishes what runs */
    WORKER_LEAVING,  /* gives back what is left */
};

struct attempt;
struct feed;
struct fetcher;
struct handler;
struct lease;
struct run;

struct attempts {
    struct attempt *first;
    int count;
    int solo; /* of them, suspects */
};

struct worker {
    struct ev_loop *loop;
    const struct worker_config *config;
    enum worker_state state;
    char id[40]; /* of this incarnation; begins every lease id */
    uint64_t lease_number;

    struct link *link;
    struct feed *feeds;
    int feed_count;
    struct shares shares; /* of the feeds, by their numbers */
    struct listing listing;
    struct tick *tick;
    struct drain_watch *drain;
    struct fetcher *fetcher;

    struct lease *leases; /* reserved or being settled */
    struct run *runs;
    struct handler *handlers;
    struct attempts attempts;
    int slots_free;
    uint64_t descriptors_max; /* of each of the handlers' processes; 0: as ours */
    int held_jobs, reserving, releasing;
    int64_t held_bytes;
    int64_t solo_last_mono_ms;
    int64_t suspects_ours_mono_ms; /* when we take one although busy; 0: none waits */

    int64_t redis_ahead_ms; /* Redis TIME minus our monotonic clock: worker_note_time() */
    int64_t asked_mono_ms;  /* when that TIME was asked for which is on its way */
    int64_t started_ms;     /* Redis TIME */
    int64_t done, failed;   /* `failed` counts runs */
    int64_t retried;        /* of them, those that run again */
    int64_t excused_mono_ms; /* when Redis was last not ready */
    int asked;               /* a RESERVE was answered */
    char alarm[240];

    ev_timer grace;  /* how long a stop may take */
    ev_timer watch;  /* while calls run: see run.h */
    ev_prepare soon; /* never started: fed, see worker_pump_soon() */
    int said_goodbye;
    struct err fatal;

    /* kept between leases, so that the hot path does not allocate */
    struct tally tally;
    struct settlement settlement;
    struct cmd cmd;
};

/* Set up and connect. Owns: the caller ends it with worker_fini() after the loop. */
void worker_init(struct worker *worker, struct ev_loop *loop,
                 const struct worker_config *config);
void worker_fini(struct worker *worker);

/* Take nothing more, finish what runs, and stay; take again. No effect on one that
 * stops. */
void worker_quiet(struct worker *worker);
void worker_go_on(struct worker *worker);

/* Stop taking jobs, finish what runs for up to `grace_ms`, give the rest back, then break
 * the loop. 0: finish it however long it takes; a job's own time-out ends it. May be
 * called again with another limit. */
void worker_stop(struct worker *worker, int64_t grace_ms);

/* Give back at once what runs, and break the loop. */
void worker_leave(struct worker *worker);

/* `running`, `quiet` or `stopping`. */
const char *worker_state_name(enum worker_state state);

/* End with an error: give back what is held, if Redis can be reached, and break the
 * loop. */
void worker_fail(struct worker *worker, const struct err *err);

/* Cancel the jobs of that id, or iid, that run here or are about to. Returns how many
 * there were. */
int worker_cancel(struct worker *worker, const struct feed *feed, struct bytes id);

/* Something ended or came free: look what to do next. */
void worker_pump(struct worker *worker);

/* The same, once, when this turn's other callbacks have run. */
void worker_pump_soon(struct worker *worker);

/* A slot came free; `solo`: a suspect held it. */
void worker_slot_free(struct worker *worker, int solo);

/* Has it reached Redis, and asked for work unless it was told to be quiet? */
int worker_is_ready(const struct worker *worker);

/* May new jobs be reserved? */
int worker_takes(const struct worker *worker);

/* When fetching last went on, in the queue where that is longest ago: a RESERVE was
 * answered, the bells block, or Redis answers while there is a reason to ask it for no
 * job. */
int64_t worker_fetched_mono_ms(const struct worker *worker);

/* Fetching does not go on, but that is Redis' doing: it is not ready, or must not
 * write. */
void worker_excuse(struct worker *worker);

/* When one of the two last was, or a Redis that is away was last looked for: then, too,
 * all is done that can be. Behind by more than a few seconds, the worker hangs. */
int64_t worker_alive_mono_ms(const struct worker *worker);

/* Does one of its bells block? */
int worker_bells_armed(const struct worker *worker);

/* Does the worker hold nothing, and is nothing on its way to it? */
int worker_is_empty(const struct worker *worker);

/* Redis told its TIME, at some moment between the two. The estimate moves only as far as
 * that demands: an answer that waited for a process that was stopped says little. */
void worker_note_time(struct worker *worker, int64_t redis_now_ms, int64_t sent_mono_ms,
                      int64_t received_mono_ms);

/* Milliseconds of Redis TIME, as far as known. */
int64_t worker_redis_now_ms(const struct worker *worker);

/* Write the next lease id; no id is used twice. */
void worker_next_lease(struct worker *worker, char out[LIMIT_LEASE_ID_BYTES + 1]);

/* Note a condition that an operator must see; it is logged once and shown in the
 * record. */
void worker_alarm(struct worker *worker, const char *text);

#endif
