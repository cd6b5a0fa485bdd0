/* SPDX-License-Identifier: MIT */
/* What a worker writes about itself into `{leat}:workers`, as the readers see it. */
#ifndef LEAT_BROKER_WORKER_RECORD_H
#define LEAT_BROKER_WORKER_RECORD_H

#include "broker/overview.h"

/* Read a record, of an older version too; all it points at goes into the arena. What
 * follows from it (`lost`, `recovered`, `note`) is left to the caller. Returns 0, or -1
 * when the bytes are no record, or longer than LIMIT_RECORD_BYTES. */
int worker_record_read(struct overview_worker *worker, struct bytes id,
                       struct bytes record, struct arena *arena);

#endif
