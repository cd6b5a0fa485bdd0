/* SPDX-License-Identifier: MIT */
/* The calls that a child holds, by their handles. A handle is a short decimal number: the
 * place in a table, and how often that place was used before. So it is found at once, and
 * one that was answered already is not taken for the call that came to its place. */
#ifndef LEAT_WORKER_LINES_CALLS_H
#define LEAT_WORKER_LINES_CALLS_H

#include "base/mem.h"
#include "schema/limits.h"

#include <stdint.h>

struct call;
struct lines_child;

struct lines_call {
    struct call *call;         /* NULL: the place is free */
    struct lines_child *child; /* that holds it */
    const char *fault;         /* what it said of it by now was wrong; or NULL */
    int64_t uses;
    int next_free;
};

/* Zeroed, it has no places. */
struct lines_calls {
    int size, held;
    int first_free; /* below size; -1: none */
    struct lines_call places[LIMIT_IN_FLIGHT];
};

/* The first so many places may be used: never fewer than before. */
void lines_calls_grow(struct lines_calls *calls, struct lines_child *child, int size);

/* Take a place for a call; there must be a free one. */
struct lines_call *lines_calls_add(struct lines_calls *calls, struct call *call);

/* The number by which the child knows it. */
int64_t lines_calls_handle(const struct lines_calls *calls,
                           const struct lines_call *place);

/* The call that is held under a handle; NULL: none is. */
struct lines_call *lines_calls_find(struct lines_calls *calls, struct bytes handle);

/* It is held no longer. Returns the call. */
struct call *lines_calls_remove(struct lines_calls *calls, struct lines_call *place);

/* The first that is held, to take out one after the other; NULL: none is. */
struct lines_call *lines_calls_first(struct lines_calls *calls);

#endif
