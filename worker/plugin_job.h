/* SPDX-License-Identifier: MIT */
/* A job as a plugin sees it, made of a call, and what it asked for, made into an answer.
 * Whatever a plugin hands over is checked here: a line that breaks the rules would cost
 * all the jobs that the process holds, and not this one alone. */
#ifndef LEAT_WORKER_PLUGIN_JOB_H
#define LEAT_WORKER_PLUGIN_JOB_H

#include "base/err.h"
#include "schema/limits.h"
#include "worker/leat-plugin.h"
#include "worker/plugin_pipe.h"

enum plugin_end { PLUGIN_DONE, PLUGIN_FAILED, PLUGIN_DEAD, PLUGIN_LATER };

struct plugin_incr {
    const char *counter;
    int64_t by;
};

struct plugin_job {
    struct leat_plugin_job job; /* first: what the plugin has is this */
    struct plugin_pipe *pipe;
    struct buf line;    /* the call; its texts are ended by NULs in place */
    const char *handle; /* in it */
    int cancelled;
    struct arena arena;
    /* What the plugin asked for. */
    enum plugin_end end;
    int64_t in_ms;
    const char *error; /* in the arena */
    struct plugin_incr incr[LIMIT_EFFECTS];
    int incr_count;
    struct buf push, result; /* JSON */
    struct buf judged;       /* is it JSON? */
    struct err err;          /* the first rule that it broke */
};

/* One for all jobs of a process, one after the other. */
void plugin_job_init(struct plugin_job *job, struct plugin_pipe *pipe);
void plugin_job_fini(struct plugin_job *job);

/* Begin with what `line` has. Returns 0 when that is no call. */
int plugin_job_begin(struct plugin_job *job);

/* Answer it. */
void plugin_job_end(struct plugin_job *job);

#endif
