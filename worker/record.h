/* SPDX-License-Identifier: MIT */
/* What the fleet sees of a worker: its record in `{leat}:workers` (PROTOCOL.md, 3),
 * written about every five seconds. broker/worker_record.h reads it. */
#ifndef LEAT_WORKER_RECORD_H
#define LEAT_WORKER_RECORD_H

#include "worker/worker.h"

/* Append the record as things are now: a JSON object of at most LIMIT_RECORD_BYTES. */
void record_write(struct buf *out, const struct worker *worker);

/* Send it. Nothing depends on its arrival: the next one is due soon. */
void record_send(struct worker *worker);

/* Take it away: the worker ends. Calls `fn` as link_send() does.
 * Errors: LEAT_ELINK while the link is down. */
int record_withdraw(struct worker *worker, answer_fn fn, void *arg);

#endif
