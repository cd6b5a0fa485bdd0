/* SPDX-License-Identifier: MIT */
/* Names to addresses without stopping the loop: numbers are read at once, names are
 * looked up in a thread of their own. */
#ifndef LEAT_BROKER_RESOLVE_H
#define LEAT_BROKER_RESOLVE_H

#include <sys/socket.h>

enum { RESOLVE_MAX = 8 };

struct addresses {
    int count;
    struct {
        struct sockaddr_storage addr;
        socklen_t len;
    } at[RESOLVE_MAX];
};

struct ev_loop;
struct resolve;

/* `why` is NULL, or says why `found` is empty. */
typedef void (*resolve_fn)(void *arg, const struct addresses *found, const char *why);

/* Read a numeric address. Returns 0, or -1 when `host` is a name. */
int resolve_numeric(struct addresses *out, const char *host, int port);

/* Look up a name. Calls `fn` exactly once, later, unless cancelled before. */
struct resolve *resolve_start(struct ev_loop *loop, const char *host, int port,
                              resolve_fn fn, void *arg);

/* Forget a lookup; accepts NULL. */
void resolve_cancel(struct resolve *resolve);

#endif
