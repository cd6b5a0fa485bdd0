/* SPDX-License-Identifier: MIT */
/* Addresses to listen on, and names of hosts, as people write them. Pure: nothing is
 * looked up, so hosts of addresses are numeric, or localhost. */
#ifndef LEAT_BASE_ADDRESS_H
#define LEAT_BASE_ADDRESS_H

#include "base/err.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ADDRESS_HOST_MAX = 255 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* Read "HOST:PORT" (port 0 too), "[V6]:PORT" or "unix:PATH"; `*len` is what bind() wants.
 * Errors: LEAT_EUSAGE. */
int address_read(union address *out, socklen_t *len, const char *text, struct err *err);

/* Is `name` a numeric host, IPv6 in brackets? */
int address_is_numeric(const char *name);

/* Is `name` a host name or a numeric host, without a port? */
int address_is_host(const char *name);

#endif
