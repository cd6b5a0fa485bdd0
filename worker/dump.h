/* SPDX-License-Identifier: MIT */
/* The state of a process as one line of JSON on stdout, for whoever sent USR2. */
#ifndef LEAT_WORKER_DUMP_H
#define LEAT_WORKER_DUMP_H

#include "base/buf.h"
#include "worker/worker.h"

/* Write the worker's state, with the slow jobs that it runs. */
void dump_worker(const struct worker *worker);

/* Append `"name":"text",`. */
void dump_add_text(struct buf *out, const char *name, struct bytes text);

/* Append `"queues":[…]`. */
void dump_add_queues(struct buf *out, const struct worker_config *config);

/* Write a line in one piece, so that those of several processes do not mix; frees it. */
void dump_write(struct buf *line);

#endif
