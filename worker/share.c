/* SPDX-License-Identifier: MIT */
#include "worker/share.h"

#include <assert.h>

void share_add(struct shares *shares, int weight)
{
    assert(shares->count < SHARE_MAX && weight > 0);
    shares->of[shares->count++] = (struct share){.weight = weight};
}

void share_note(struct shares *shares, int queue, enum share_state state)
{
    struct share *share = &shares->of[queue];
    if (share->state == SHARE_EMPTY && state != SHARE_EMPTY &&
        share->pace < shares->clock)
        share->pace = shares->clock;
    share->state = state;
}

static int is_ahead(const struct shares *shares, int queue)
{
    for (int i = 0; i < shares->count; i++)
        if (i != queue && shares->of[i].state == SHARE_WANTS &&
            shares->of[queue].pace > shares->of[i].pace + SHARE_AHEAD)
            return 1;
    return 0;
}

static int is_behind_others(const struct shares *shares, int queue)
{
    for (int i = 0; i < queue; i++)
        if (shares->of[i].state != SHARE_EMPTY)
            return 1;
    return 0;
}

int share_may_take(const struct shares *shares, int queue)
{
    return shares->order == SHARE_STRICT ? !is_behind_others(shares, queue)
                                         : !is_ahead(shares, queue);
}

void share_charge(struct shares *shares, int queue, int jobs)
{
    struct share *share = &shares->of[queue];
    if (jobs > 0 && share->pace > shares->clock)
        shares->clock = share->pace;
    share->pace += (double)jobs / share->weight;
}

static int comes_before(const struct shares *shares, int a, int b)
{
    return shares->order == SHARE_WEIGHTED && shares->of[a].pace < shares->of[b].pace;
}

void share_sort(const struct shares *shares, int out[SHARE_MAX])
{
    for (int i = 0; i < shares->count; i++) {
        int at = i;
        for (; at > 0 && comes_before(shares, i, out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
}
