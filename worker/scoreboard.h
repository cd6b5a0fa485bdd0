/* SPDX-License-Identifier: MIT */
/* What a working process tells its master: a row of numbers in memory that both see,
 * written by the one and read by the other, nothing to parse and nothing to wait for. A
 * row is made before its process is forked and outlives it, so the last that a killed
 * process told can still be read. An eventfd that all processes share wakes the master
 * when a row has changed in a way that should not wait for its next look. */
#ifndef LEAT_WORKER_SCOREBOARD_H
#define LEAT_WORKER_SCOREBOARD_H

#include "worker/child_groups.h"
#include "worker/worker.h"

#include <stdatomic.h>

enum { SCOREBOARD_TEXT_BYTES = 8192 };

struct scoreboard_row {
    _Atomic int64_t state; /* enum worker_state */
    _Atomic int64_t ready; /* it reached Redis and asked for work */
    _Atomic int64_t slots, busy, held, done, failed;
    _Atomic int64_t loop_mono_ms;  /* when its loop last turned */
    _Atomic int64_t alive_mono_ms; /* worker_alive_mono_ms() */
    struct child_groups groups;    /* of its handlers */
    /* Set before `ready` or `drained` is, and never again. */
    char id[40];
    _Atomic int64_t drained;
    char left[SCOREBOARD_TEXT_BYTES]; /* drain_left(), cut behind a line */
    struct err failure;               /* what it ended by, for its master to tell */
};

/* Make one, of a process that has just begun; NULL when there is no memory for it.
 * scoreboard_drop() unmaps it here, not in other processes, and accepts NULL. */
struct scoreboard_row *scoreboard_row_new(void);
void scoreboard_drop(struct scoreboard_row *row);

/* Does its process turn its loop and get on with fetching? */
int scoreboard_is_healthy(const struct scoreboard_row *row);

/* Write what the worker is now. */
void scoreboard_write(struct scoreboard_row *row, const struct worker *worker);

/* Write that the worker has drained its queues. */
void scoreboard_write_drained(struct scoreboard_row *row, const char *left);

#endif
