/* SPDX-License-Identifier: MIT */
/* The pipes between a worker and the process that runs a plugin: calls come as lines,
 * answers leave in batches, for a system call each would cost more than a quick job. The
 * two do not use standard input and output, which are the plugin's: whatever it prints is
 * no answer. */
#ifndef LEAT_WORKER_PLUGIN_PIPE_H
#define LEAT_WORKER_PLUGIN_PIPE_H

#include "base/buf.h"

#include <stdint.h>

struct plugin_pipe {
    int in_fd, out_fd;
    struct buf in;
    size_t at; /* what of `in` was handed out */
    int ended;
    int may_cancel; /* `in` has something that looks like it */
    int64_t looked_mono_ms;
    struct buf out;
    int64_t waits_mono_ms; /* since when the first in `out` does */
};

/* Take the worker's pipes from the places of standard input and output; in their stead
 * there are /dev/null and standard error. Returns 0, or -1 and errno. */
int plugin_pipe_open(struct plugin_pipe *pipe);

/* Send what waits, and close. */
void plugin_pipe_close(struct plugin_pipe *pipe);

/* Wait for the next line and put it into `line`, without its LF. Returns 0 when no more
 * will come. */
int plugin_pipe_next(struct plugin_pipe *pipe, struct buf *line);

/* The answer that was written to `out` is complete: it leaves with its neighbours', a few
 * milliseconds late at most while jobs are quick. */
void plugin_pipe_answered(struct plugin_pipe *pipe);

/* Send what `out` has. A worker that is gone ends the process. */
void plugin_pipe_flush(struct plugin_pipe *pipe);

/* Has the worker cancelled that call, as far as it is known by now? */
int plugin_pipe_cancels(const struct plugin_pipe *pipe, const char *handle);

/* Read on while a job runs: a cancel may have come. It blocks nothing, and asks the
 * kernel only now and then. */
void plugin_pipe_look(struct plugin_pipe *pipe);

#endif
