/* SPDX-License-Identifier: MIT */
/* When a job is due, as people write it. Pure but for the clock. */
#ifndef LEAT_BROKER_DUE_H
#define LEAT_BROKER_DUE_H

#include "broker/pusher.h"

/* Read a span from now, as in `5m`; or a time, RFC 3339 or `@` and Unix seconds; at most
 * ten years ahead. Errors: LEAT_EUSAGE with a text that begins with what was given. */
int due_in(struct pusher_due *due, const char *text, struct err *err);
int due_at(struct pusher_due *due, const char *text, struct err *err);

#endif
