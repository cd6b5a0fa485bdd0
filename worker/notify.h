/* SPDX-License-Identifier: MIT */
/* What a service manager is told by the protocol of sd_notify(3): lines NAME=value in one
 * datagram to the socket that NOTIFY_SOCKET names. Without one nothing is sent. */
#ifndef LEAT_WORKER_NOTIFY_H
#define LEAT_WORKER_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t address_len;
    int64_t watchdog_ms; /* how long it bears silence; 0: for ever */
};

/* Read what the service manager put into the environment, and take it out, so that
 * nothing started from here speaks in our name. */
void notify_init(struct notify *notify);
void notify_fini(struct notify *notify);

/* Send lines, without waiting. Returns 0, or -1 when the manager has no room for them
 * now; 0, too, when nobody listens. */
int notify_send(const struct notify *notify, const char *lines);

#endif
