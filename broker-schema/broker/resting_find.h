/* SPDX-License-Identifier: MIT */
/* Finding dead and quarantined entries by what people call them: a handle, or a dead
 * job's iid. A dead job's handle has the time of its death, by which Redis finds it at
 * once; any other word needs a walk from the newest on, one for all words of a kind. */
#ifndef LEAT_BROKER_RESTING_FIND_H
#define LEAT_BROKER_RESTING_FIND_H

#include "broker/resting.h"

struct resting_find;

typedef void (*resting_find_fn)(struct resting_find *find, const struct err *err);

struct resting_find {
    /* set by the caller, who keeps all of it in place until the end: */
    const struct queue *queue;
    const char *const *words;
    size_t count;
    int64_t max; /* entries of a kind to look at, at most */
    struct resting
        *found; /* [count]: found[i] is what words[i] names; raw.at NULL: nothing */
    struct arena *arena; /* gets their bytes */
    /* `err` is LEAT_ENO, naming the first, when not all were found. May free the find. */
    resting_find_fn done;
    void *arg;

    struct walk walk; /* the find's own, as what follows */
    size_t left;      /* words not found yet */
    size_t next;      /* the word whose time is asked for next */
    int walked_kinds;
};

/* Begin. Calls `done` exactly once, never before this returns.
 * Errors: LEAT_ELINK while the link is down; `done` is then not called. */
int resting_find_start(struct resting_find *find, struct link *link);

/* Free what the find owns. A zeroed one is fine; one under way only when no answer
 * can come any more. */
void resting_find_fini(struct resting_find *find);

#endif
