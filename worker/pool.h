/* SPDX-License-Identifier: MIT */
/* The working processes below a master: starts them, replaces those that die, renews them
 * one by one when the settings change, stops them. It knows places, numbers and ends;
 * what a process does, and by which settings, is its owner's business.
 *
 * Processes of one set of settings are a generation. The first of a generation is started
 * alone: when it has asked for work the settings are good, and the other places follow,
 * each old process leaving, when what it runs has ended, after its successor is ready.
 * When it does not come so far, the generation before stays. */
#ifndef LEAT_WORKER_POOL_H
#define LEAT_WORKER_POOL_H

#include "config/options.h"
#include "worker/deaths.h"
#include "worker/scoreboard.h"

#include <sys/types.h>

struct child {
    struct child *next;
    struct pool *pool;
    int index; /* of its place, from 0 */
    unsigned generation;
    pid_t pid;
    int ready;
    int leaving; /* it was told to */
    int64_t born_mono_ms;
    struct scoreboard_row *row;
    ev_child exited;
};

struct place {
    struct pool *pool;
    int quick;      /* deaths in a row */
    int done;       /* it drained its queues */
    ev_timer again; /* runs until the place is filled again */
};

struct pool_hooks {
    void *arg;
    /* In the new process: become a worker; must not return. All signals are blocked. */
    void (*run)(void *arg, const struct child *child);
    /* The newest generation's settings are good; they are not, and the ones before
     * stay. */
    void (*on_proven)(void *arg);
    void (*on_refused)(void *arg, const char *why);
    void (*on_change)(void *arg); /* of what pool_sum() tells */
    void (*on_end)(void *arg);    /* no process is left, and none will follow */
};

struct pool {
    struct ev_loop *loop;
    const struct pool_hooks *hooks;
    struct child *children;
    struct place places[PROCESSES_MAX];
    int size, kept_size; /* of the newest generation; of the last one that was proven */
    unsigned generation, kept_generation, newest; /* kept 0: none was proven yet */
    int drains;   /* a process that ends by itself is done */
    int stopping; /* nobody is replaced any more */
    struct deaths deaths;
    ev_timer too_slow; /* to stop */
    struct err failure;
    int worst_status;
    int64_t restarts;
    int64_t done, failed; /* of processes that have ended */
    int drained;
    char *left; /* what the last one that drained its queues found to stay */
};

/* What is now, of all processes that live. */
struct pool_sum {
    int processes;
    int ready;   /* every place of the newest generation is filled, and asks for work */
    int healthy; /* everyone gets on */
    int64_t busy, slots, held;
    int64_t done, failed; /* of those that have ended, too */
};

/* Set up; nothing runs yet. The hooks are borrowed. */
void pool_init(struct pool *pool, struct ev_loop *loop, const struct pool_hooks *hooks);
void pool_fini(struct pool *pool);

/* Begin a generation of `size` processes; the first one, or one for new settings. */
void pool_renew(struct pool *pool, int size);

/* Look at the scoreboard. */
void pool_look(struct pool *pool);
void pool_sum(const struct pool *pool, struct pool_sum *sum);

/* Send everyone a signal. */
void pool_signal(const struct pool *pool, int number);

/* Stop all, within the workers' time of grace; at once, when called again. Who takes
 * longer is killed. */
void pool_stop(struct pool *pool);

/* Is it the one that takes suspects: the first of those that still work? */
int pool_takes_suspects(const struct pool *pool, const struct child *child);

#endif
