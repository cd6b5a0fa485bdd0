/* SPDX-License-Identifier: MIT */
/* Which Host headers belong to this server. A page on the internet can let its own name
 * point at 127.0.0.1 and then read our answers as its own (DNS rebinding); only the Host
 * header tells, so every name that is not one of ours is refused. Pure. */
#ifndef LEAT_DASHBOARD_HOSTCHECK_H
#define LEAT_DASHBOARD_HOSTCHECK_H

#include <stddef.h>

struct hostcheck {
    const char *own; /* the listen address, as a Host header writes it; may be NULL */
    int port;        /* the one a Host header may carry; 0: any */
    int any_address; /* listening on all addresses: each numeric Host is one of ours */
    const char *const *allowed; /* names of a proxy in front of us, with any port */
    size_t allowed_count;
};

/* Is `host`, the value of a Host header, localhost, 127.0.0.1, [::1] or the listen
 * address, with the right port or none, or one of the allowed? Source: RFC 9110 7.2. */
int hostcheck_passes(const struct hostcheck *check, const char *host);

#endif
