/* SPDX-License-Identifier: MIT */
/* The refresh type: fetch a URL, keep the copy. */
#ifndef LEAT_WORKER_REFRESH_H
#define LEAT_WORKER_REFRESH_H

#include "worker/flight.h"

/* Read the args into what the flight keeps, and name the cache key it claims.
 * Errors: LEAT_EDATA: the job dies with the reason. */
int refresh_prepare(struct flight *flight, struct err *err);

/* Begin. Ends by one of the flight_… functions, later. */
void refresh_start(struct flight *flight);

/* Stop at once, without an end. */
void refresh_cancel(struct flight *flight);

#endif
