/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <stdio.h>
#include <string.h>

void lanes_fini(struct lanes *lanes)
{
    for (int i = 0; i < LANE_MAX; i++)
        pusher_free(lanes->at[i].pusher);
    *lanes = (struct lanes){0};
}

/* ---- finding ----------------------------------------------------------------------- */

static struct lane *find(struct lanes *lanes, const char *queue)
{
    for (int i = 0; i < LANE_MAX; i++)
        if (lanes->at[i].pusher != NULL && strcmp(lanes->at[i].queue, queue) == 0)
            return &lanes->at[i];
    return NULL;
}

/* A place never used, else one that is not needed any more. */
static struct lane *find_place(struct lanes *lanes)
{
    for (int i = 0; i < LANE_MAX; i++)
        if (lanes->at[i].pusher == NULL)
            return &lanes->at[i];
    for (int i = 0; i < LANE_MAX; i++)
        if (pusher_is_idle(lanes->at[i].pusher))
            return &lanes->at[i];
    return NULL;
}

static void give(struct lanes *lanes, struct lane *lane, const struct queue *queue)
{
    struct pusher_config config = {.loop = lanes->loop,
                                   .link = lanes->link,
                                   .queue = queue,
                                   .patience_ms = INT64_MAX};
    if (lane->pusher != NULL)
        lane->base += pusher_added(lane->pusher);
    pusher_free(lane->pusher);
    lane->pusher = pusher_new(&config);
    snprintf(lane->queue, sizeof lane->queue, "%s", queue->name);
}

int lanes_find(struct lanes *lanes, const char *queue, struct lane **lane,
               struct err *err)
{
    struct queue made;
    *lane = find(lanes, queue);
    if (*lane != NULL)
        return LEAT_OK;
    int code = queue_init(&made, queue, err);
    if (code != LEAT_OK)
        return code;
    *lane = find_place(lanes);
    if (*lane == NULL)
        return err_set(err, LEAT_EBUSY,
                       "jobs of %d queues are waiting already: flush before pushing to "
                       "another",
                       LANE_MAX);
    give(lanes, *lane, &made);
    return LEAT_OK;
}

/* ---- numbers ----------------------------------------------------------------------- */

int64_t lanes_next_number(const struct lanes *lanes, const struct lane *lane)
{
    int64_t turn = lane->base + pusher_added(lane->pusher);
    return (turn + 1) * LANE_MAX + (lane - lanes->at);
}

static enum leat_state state_of(const struct pusher *pusher, int64_t nth)
{
    static const enum leat_state states[] = {
        [PUSH_ACKNOWLEDGED] = LEAT_STATE_ACKNOWLEDGED,
        [PUSH_IN_DOUBT] = LEAT_STATE_UNKNOWN,
        [PUSH_ABSENT] = LEAT_STATE_WAITING,
    };
    enum leat_state state = states[pusher_fate(pusher, nth)];
    int will_not_be = state == LEAT_STATE_WAITING && pusher_error(pusher) != NULL;
    return will_not_be ? LEAT_STATE_REFUSED : state;
}

enum leat_state lanes_state(const struct lanes *lanes, int64_t number)
{
    if (number < LANE_MAX)
        return LEAT_STATE_NONE;
    const struct lane *lane = &lanes->at[number % LANE_MAX];
    int64_t turn = number / LANE_MAX - 1;
    if (turn < lane->base)
        return LEAT_STATE_ACKNOWLEDGED;
    if (lane->pusher == NULL || turn - lane->base >= pusher_added(lane->pusher))
        return LEAT_STATE_NONE;
    return state_of(lane->pusher, turn - lane->base);
}

int64_t lanes_taken(const struct lanes *lanes)
{
    int64_t sum = 0;
    for (const struct lane *it = lanes->at; it < lanes->at + LANE_MAX; it++)
        sum += it->base + (it->pusher != NULL ? pusher_added(it->pusher) : 0);
    return sum;
}

int64_t lanes_acknowledged(const struct lanes *lanes)
{
    int64_t sum = 0;
    for (const struct lane *it = lanes->at; it < lanes->at + LANE_MAX; it++)
        sum += it->base + (it->pusher != NULL ? pusher_acknowledged(it->pusher) : 0);
    return sum;
}
