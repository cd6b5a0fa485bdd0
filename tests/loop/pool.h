/* SPDX-License-Identifier: MIT */
/* Runs of one scene side by side, in processes of their own on one Redis: most of a run
 * is waiting to reconnect. They share a board that says what is next. */
#ifndef LEAT_TESTS_LOOP_POOL_H
#define LEAT_TESTS_LOOP_POOL_H

#include "scene.h"

#include <stdatomic.h>

enum { POOL_MAX = 128, POOL_ROWS_MAX = 16 };

/* A way for the link to fail. */
struct way {
    const char *name;
    struct wire_fault fault;
};

/* It is tried at every place, until scenes are over before they come to it. */
struct pool_row {
    const struct way *way;
    enum wire_unit unit;
    int64_t every;
    atomic_llong next; /* place */
    atomic_llong cuts; /* that were made */
    atomic_llong last; /* place where one was */
    atomic_int whole;  /* runs that were over before */
};

struct board {
    int once; /* one run of each row */
    int row_count;
    struct pool_row row[POOL_ROWS_MAX];
    atomic_llong runs;
    atomic_int failed;
};

/* A board without rows, for processes to share. Lives as long as the program. */
struct board *board_new(void);

/* Work the board's rows off, so many runs at a time, and print what came of it. Returns 0
 * when every run came out right. */
int pool_run(const struct scene *scene, struct board *board, int runs_at_once);

#endif
