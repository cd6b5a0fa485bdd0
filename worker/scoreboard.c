/* SPDX-License-Identifier: MIT */
#include "worker/scoreboard.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    LOOP_MS = 5000,   /* a loop that has not turned for so long hangs */
    ALIVE_MS = 15000, /* a bell blocks for 5 s; a dead wire is seen after 5 more */
};

struct scoreboard_row *scoreboard_row_new(void)
{
    struct scoreboard_row *row = mmap(NULL, sizeof *row, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (row == MAP_FAILED)
        return NULL;
    row->loop_mono_ms = row->alive_mono_ms = clock_mono_ms();
    return row;
}

int scoreboard_is_healthy(const struct scoreboard_row *row)
{
    int64_t now_mono_ms = clock_mono_ms();
    return now_mono_ms - row->loop_mono_ms < LOOP_MS &&
           now_mono_ms - row->alive_mono_ms < ALIVE_MS;
}

void scoreboard_drop(struct scoreboard_row *row)
{
    if (row != NULL)
        munmap(row, sizeof *row);
}

void scoreboard_write(struct scoreboard_row *row, const struct worker *worker)
{
    row->state = worker->state;
    row->slots = worker->config->slots;
    row->busy = worker->attempts.count;
    row->held = worker->held_jobs;
    row->done = worker->done;
    row->failed = worker->failed;
    row->loop_mono_ms = clock_mono_ms();
    row->alive_mono_ms = worker_alive_mono_ms(worker);
    if (worker_is_ready(worker) && !row->ready) {
        snprintf(row->id, sizeof row->id, "%s", worker->id);
        row->ready = 1;
    }
}

void scoreboard_write_drained(struct scoreboard_row *row, const char *left)
{
    size_t len = strlen(left);
    while (len >= sizeof row->left || (len > 0 && left[len - 1] != '\n'))
        len--;
    memcpy(row->left, left, len);
    row->left[len] = '\0';
    row->drained = 1;
}
