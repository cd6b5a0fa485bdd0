/* SPDX-License-Identifier: MIT */
/* What handlers write to stderr goes to our log, a line of theirs in a line of ours with
 * the job's id. All children of one handler share a limit, so that one which writes
 * without end drowns nothing; how many lines were left out is told. */
#ifndef LEAT_WORKER_HANDLER_LOG_H
#define LEAT_WORKER_HANDLER_LOG_H

#include "base/line_reader.h"
#include "schema/limits.h"

#include <sys/types.h>

enum {
    HANDLER_LOG_LINES = 100, /* in a window */
    HANDLER_LOG_WINDOW_MS = 1000,
};

/* One for each handler of a process. */
struct handler_log {
    const char *type;
    int64_t window_mono_ms; /* when it began */
    int64_t told;           /* in it */
    int64_t left_out;
};

/* Who writes; empty: not known, for it has several jobs at once. Borrowed. */
struct handler_writer {
    struct bytes id, iid;
    pid_t child;
};

/* Tell a line, if it is not one too many. Returns 1 when it was told, or is empty; else
 * 0. */
int handler_log_line(struct handler_log *log, int64_t now_mono_ms,
                     const struct handler_writer *writer, enum line_kind kind,
                     struct bytes line);

/* Tell what was left out since it was last told; the next window does, too. */
void handler_log_left_out(struct handler_log *log);

/* Tell the last LIMIT_TAIL_BYTES of `stream`, whatever the limit: a run has failed.
 * No effect when there are none. */
void handler_log_tail(const struct handler_log *log, const struct handler_writer *writer,
                      const char *stream, struct bytes tail);

#endif
