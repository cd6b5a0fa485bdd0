/* SPDX-License-Identifier: MIT */
/* The queues that one handle of the C library pushes to: a pusher for each, made when its
 * first job comes. There are LANE_MAX places; when all are taken, one whose jobs are all
 * acknowledged is given to the new queue. A job's number names its place and its turn
 * there, so that nothing is kept for a job that is acknowledged. */
#ifndef LEAT_PRODUCER_LANE_H
#define LEAT_PRODUCER_LANE_H

#include "broker/pusher.h"
#include "leat.h"

enum { LANE_MAX = 64 };

struct lane {
    struct pusher *pusher; /* NULL: free */
    char queue[LIMIT_QUEUE_NAME_BYTES + 1];
    int64_t base; /* jobs of the pushers that had this place before: all acknowledged */
};

struct lanes {
    struct ev_loop *loop;
    struct link *link;
    struct lane at[LANE_MAX];
};

/* Free the pushers; with jobs on their way, their link must be free already. */
void lanes_fini(struct lanes *lanes);

/* Find or make the lane of a queue.
 * Errors: LEAT_EUSAGE for its name; LEAT_EBUSY when LANE_MAX others have jobs waiting. */
int lanes_find(struct lanes *lanes, const char *queue, struct lane **lane,
               struct err *err);

/* The number of the next job that is added to `lane`. */
int64_t lanes_next_number(const struct lanes *lanes, const struct lane *lane);

/* What became of the job of this number? */
enum leat_state lanes_state(const struct lanes *lanes, int64_t number);

/* Count the jobs of all lanes: all, and those that Redis has acknowledged. */
int64_t lanes_taken(const struct lanes *lanes);
int64_t lanes_acknowledged(const struct lanes *lanes);

#endif
