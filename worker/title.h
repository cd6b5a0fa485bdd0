/* SPDX-License-Identifier: MIT */
/* What ps shows of a process. The only door to libbsd's setproctitle. */
#ifndef LEAT_WORKER_TITLE_H
#define LEAT_WORKER_TITLE_H

#include "base/buf.h"
#include "worker/worker.h"

/* Make room for titles: moves the arguments and the environment elsewhere, so this comes
 * before anything borrows from them. */
void title_init(int argc, char **argv);

/* Show a title; costs nothing while it stays the same. */
void title_set(const char *title);

/* Append the queues as in `[default,mail]`, the first few of them. */
void title_add_queues(struct buf *title, const struct worker_config *config);

#endif
