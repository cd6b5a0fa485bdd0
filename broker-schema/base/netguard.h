/* SPDX-License-Identifier: MIT */
/* Which addresses a program may connect to when others name a URL. Whoever can hand it
 * one job must not reach, through the worker, what only the worker's machine or network
 * can reach: so everything that is not globally reachable unicast is refused, unless the
 * operator allowed its range. Pure: it resolves nothing and connects nowhere. It has to
 * be asked with the very address of each connect(), not with a name's, because a name may
 * answer differently the next time.
 *
 * IPv6 addresses that carry an IPv4 address (mapped, translated, 6to4) are judged by the
 * IPv4 address alone. */
#ifndef LEAT_BASE_NETGUARD_H
#define LEAT_BASE_NETGUARD_H

#include "base/err.h"

#include <stddef.h>
#include <sys/socket.h>

enum { NETGUARD_ALLOWED_MAX = 64 };

struct netguard_address {
    int family; /* AF_INET or AF_INET6 */
    unsigned char bytes[16];
};

struct netguard_range {
    struct netguard_address base;
    size_t bits; /* length of the prefix */
};

/* A zeroed guard allows nothing but globally reachable addresses. */
struct netguard {
    struct netguard_range allowed[NETGUARD_ALLOWED_MAX];
    size_t allowed_count;
};

/* Allow a range (`10.0.0.0/8`, `::1/128`) or a single address (`127.0.0.1`).
 * Errors: LEAT_EUSAGE for what is no such range, for bits behind the prefix, for an IPv6
 * form of an IPv4 range and beyond NETGUARD_ALLOWED_MAX; the guard is unchanged. */
int netguard_allow(struct netguard *guard, const char *cidr, struct err *err);

/* Check an address before connecting to it; the port plays no part. Returns 0 when it
 * may.
 * Errors: LEAT_EDENIED; the text names address, rule and the option that allows it. */
int netguard_check(const struct netguard *guard, const struct sockaddr *address,
                   struct err *err);

/* May this address be connected to? */
int netguard_permits(const struct netguard *guard, const struct sockaddr *address);

#endif
