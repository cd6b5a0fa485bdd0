/* SPDX-License-Identifier: MIT */
/* Which queue may be asked for jobs next, when several have some. By weight: each queue
 * has a pace, the jobs taken from it divided by its weight; who is behind comes first,
 * and nobody gets further ahead of another queue that wants jobs than SHARE_AHEAD. A
 * queue that was empty begins where the others are: it has saved nothing up. In strict
 * order: a queue waits until those before it have none. Pure. Source of the paces: P.
 * Goyal et al., "Start-time Fair Queuing", SIGCOMM 1996. */
#ifndef LEAT_WORKER_SHARE_H
#define LEAT_WORKER_SHARE_H

enum { SHARE_MAX = 64, SHARE_AHEAD = 256 /* jobs of weight 1 */ };

enum share_order { SHARE_WEIGHTED, SHARE_STRICT };

enum share_state {
    SHARE_EMPTY,
    SHARE_WAITS, /* it has jobs, but cannot run them now: it holds up nobody's share */
    SHARE_WANTS, /* it may have jobs, and can take them */
};

struct share {
    int weight;
    enum share_state state;
    double pace;
};

struct shares {
    enum share_order order;
    struct share of[SHARE_MAX];
    int count;
    double clock; /* the pace of the one that was served last */
};

/* Add a queue; its number is the count before. */
void share_add(struct shares *shares, int weight);

/* Say how it stands with a queue. */
void share_note(struct shares *shares, int queue, enum share_state state);

/* May jobs of this queue be asked for now? */
int share_may_take(const struct shares *shares, int queue);

/* `jobs` were asked for; less than 0: so many did not come. */
void share_charge(struct shares *shares, int queue, int jobs);

/* Write the queues' numbers in the order in which to ask. */
void share_sort(const struct shares *shares, int out[SHARE_MAX]);

#endif
