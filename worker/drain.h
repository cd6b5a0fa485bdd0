/* SPDX-License-Identifier: MIT */
/* --drain: when is there nothing left to do? One read-only script per queue tells what is
 * ready, in flight anywhere, due soon and due later. */
#ifndef LEAT_WORKER_DRAIN_H
#define LEAT_WORKER_DRAIN_H

#include "worker/worker.h"

/* Watch over a worker that drains. Owns: the caller frees with drain_free(), which
 * accepts NULL. */
struct drain_watch *drain_new(struct worker *worker);
void drain_free(struct drain_watch *watch);

/* The worker holds nothing and found nothing: ask whether that is all. */
void drain_ask(struct worker *worker);

/* What stays in the queues, a line each, once the drain is done; NULL before that.
 * Accepts NULL. Borrowed from the watch. */
const char *drain_left(const struct drain_watch *watch);

#endif
