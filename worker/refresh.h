/* SPDX-License-Identifier: MIT */
/* The refresh type: fetch a URL, keep the copy. */
#ifndef LEAT_WORKER_REFRESH_H
#define LEAT_WORKER_REFRESH_H

#include "worker/attempt.h"

/* What the row of the type calls: see struct job_type. */
int refresh_prepare(struct attempt *attempt, struct err *err);
void refresh_start(struct attempt *attempt);
void refresh_cancel(struct attempt *attempt);

#endif
