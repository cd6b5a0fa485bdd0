/* SPDX-License-Identifier: MIT */
/* When a process that died is replaced, and when there is no use in replacing any more.
 * Pure: the clock is a parameter.
 *
 * The first death of a place is made good at once, the next ones after a wait that
 * doubles; who lived for a while begins anew. Five deaths in ten seconds are a crash
 * loop. Those of processes that had lived for a while count once together: of them,
 * somebody killed many at a time. */
#ifndef LEAT_WORKER_DEATHS_H
#define LEAT_WORKER_DEATHS_H

#include <stdint.h>

enum {
    DEATHS_WINDOW_MS = 10000, /* also how long a life must be to begin anew */
    DEATHS_MAX = 5,
    DEATHS_WAIT_MS = 200, /* before the second replacement; doubled for each after it */
    DEATHS_WAIT_MAX_MS = 10000,
};

/* Of all places. A zeroed one is empty. */
struct deaths {
    int64_t young_mono_ms[DEATHS_MAX]; /* the last ones, the newest first */
    int young_count;
    int64_t grown_mono_ms; /* the last one; 0: none yet */
};

/* Note one that lived for so long. Returns 1 when it makes a crash loop. */
int deaths_note(struct deaths *deaths, int64_t lived_ms, int64_t now_mono_ms);

/* `quick` counts a place's deaths in a row: note one, and say how long to wait before the
 * place is filled again. */
int64_t deaths_wait_ms(int *quick, int64_t lived_ms);

#endif
