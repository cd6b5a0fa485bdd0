/* SPDX-License-Identifier: MIT */
/* The listening socket of the dashboard: from the text the user gave to a bound
 * descriptor. Knows no HTTP. Addresses are numeric, so that starting never waits for
 * DNS. */
#ifndef LEAT_DASHBOARD_LISTEN_H
#define LEAT_DASHBOARD_LISTEN_H

#include "base/err.h"

struct listen_socket {
    int fd;          /* non-blocking, closed on exec */
    int port;        /* as bound; 0 for a unix socket */
    int is_loopback; /* reached from this machine only: 127.0.0.0/8, ::1, a unix socket */
    int is_any;      /* all addresses of the machine */
    char host[64];   /* as a Host header writes it; "" for a unix socket */
    char address[160]; /* "127.0.0.1:8740", "[::1]:8740", "unix:/run/x.sock" */
};

/* Bind and listen on "HOST:PORT" (numeric or localhost; port 0: any free one),
 * "[V6]:PORT" or "unix:PATH". A unix socket is for its owner only (mode 0600); one that a
 * dead server left behind is replaced. Errors: LEAT_EUSAGE for bad syntax, LEAT_EBUSY
 * when somebody else listens there, LEAT_EDENIED, LEAT_ECONFIG; nothing is left open
 * then. */
int listen_open(struct listen_socket *out, const char *address, struct err *err);

/* Close it and remove the file of a unix socket. */
void listen_close(struct listen_socket *listening);

#endif
