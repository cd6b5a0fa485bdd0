/* SPDX-License-Identifier: MIT */
#include "worker/lines_calls.h"
#include "base/text.h"

#include <assert.h>

/* Handles begin at 1: in some languages "0" is false. */
enum { FIRST = 1 };

void lines_calls_grow(struct lines_calls *calls, struct lines_child *child, int size)
{
    assert(size <= LIMIT_IN_FLIGHT);
    if (calls->size == 0)
        calls->first_free = -1;
    for (int i = size - 1; i >= calls->size; i--) {
        calls->places[i] =
            (struct lines_call){.child = child, .next_free = calls->first_free};
        calls->first_free = i;
    }
    if (size > calls->size)
        calls->size = size;
}

struct lines_call *lines_calls_add(struct lines_calls *calls, struct call *call)
{
    assert(calls->held < calls->size);
    struct lines_call *place = &calls->places[calls->first_free];
    calls->first_free = place->next_free;
    calls->held++;
    place->call = call;
    place->fault = NULL;
    return place;
}

int64_t lines_calls_handle(const struct lines_calls *calls,
                           const struct lines_call *place)
{
    return FIRST + (place - calls->places) + place->uses * LIMIT_IN_FLIGHT;
}

struct lines_call *lines_calls_find(struct lines_calls *calls, struct bytes handle)
{
    int64_t number;
    if (text_to_int(handle, &number) != 0 || number < FIRST)
        return NULL;
    struct lines_call *place = &calls->places[(number - FIRST) % LIMIT_IN_FLIGHT];
    return place->call != NULL && lines_calls_handle(calls, place) == number ? place
                                                                             : NULL;
}

struct call *lines_calls_remove(struct lines_calls *calls, struct lines_call *place)
{
    struct call *call = place->call;
    place->call = NULL;
    place->uses++;
    place->next_free = calls->first_free;
    calls->first_free = (int)(place - calls->places);
    calls->held--;
    return call;
}

struct lines_call *lines_calls_first(struct lines_calls *calls)
{
    for (int i = 0; calls->held > 0 && i < calls->size; i++)
        if (calls->places[i].call != NULL)
            return &calls->places[i];
    return NULL;
}
