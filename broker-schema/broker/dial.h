/* SPDX-License-Identifier: MIT */
/* From an address to a connected socket, without stopping the loop: a name is looked up,
 * its addresses are tried in turn, each for two seconds. */
#ifndef LEAT_BROKER_DIAL_H
#define LEAT_BROKER_DIAL_H

#include "broker/redis_url.h"

struct ev_loop;
struct dial;

/* `fd` is connected and non-blocking, and now the callee's; or it is -1 and `why` says
 * why. */
typedef void (*dial_fn)(void *arg, int fd, const char *why);

/* Begin. `url` is borrowed until the end. Calls `fn` exactly once, later, unless
 * cancelled. */
struct dial *dial_start(struct ev_loop *loop, const struct redis_url *url, dial_fn fn,
                        void *arg);

/* Forget it; accepts NULL. */
void dial_cancel(struct dial *dial);

#endif
