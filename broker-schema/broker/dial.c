/* SPDX-License-Identifier: MIT */
#include "broker/dial.h"
#include "base/mem.h"
#include "broker/resolve.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel asks at once, after 1 s and after 3 s: after its second time, a try of ours
 * is sooner than its third. */
enum { CONNECT_MS = 2000, USER_TIMEOUT_MS = 10000 };

struct dial {
    struct ev_loop *loop;
    const struct redis_url *url;
    dial_fn fn;
    void *arg;
    struct resolve *resolve;
    struct addresses addresses;
    int next; /* address to try */
    int fd;
    int failure; /* errno of the last try */
    ev_io io;
    ev_timer timer;
};

static void let_go(struct dial *dial)
{
    ev_io_stop(dial->loop, &dial->io);
    ev_timer_stop(dial->loop, &dial->timer);
}

static void finish(struct dial *dial, int fd, const char *why)
{
    dial_fn fn = dial->fn;
    void *arg = dial->arg;
    let_go(dial);
    free(dial);
    fn(arg, fd, why);
}

static void list_unix(struct dial *dial)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    snprintf(path.sun_path, sizeof path.sun_path, "%s", dial->url->path);
    memcpy(&dial->addresses.at[0].addr, &path, sizeof path);
    dial->addresses.at[0].len = sizeof path;
    dial->addresses.count = 1;
}

/* A peer that vanished must be noticed although nothing is sent. */
static void set_options(int fd)
{
    int on = 1, timeout_ms = USER_TIMEOUT_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

/* Open a socket to the next address. Returns 0 when the connection is on its way. */
static int try_next(struct dial *dial)
{
    const struct sockaddr *addr = (const void *)&dial->addresses.at[dial->next].addr;
    socklen_t len = dial->addresses.at[dial->next++].len;
    dial->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd >= 0 && addr->sa_family != AF_UNIX)
        set_options(dial->fd);
    if (dial->fd >= 0 && (connect(dial->fd, addr, len) == 0 || errno == EINPROGRESS)) {
        ev_io_set(&dial->io, dial->fd, EV_WRITE);
        ev_io_start(dial->loop, &dial->io);
        ev_timer_set(&dial->timer, CONNECT_MS / 1000.0, 0);
        ev_timer_start(dial->loop, &dial->timer);
        return 0;
    }
    dial->failure = errno;
    if (dial->fd >= 0)
        close(dial->fd);
    return -1;
}

static void try_rest(struct dial *dial)
{
    let_go(dial);
    while (dial->next < dial->addresses.count)
        if (try_next(dial) == 0)
            return;
    finish(dial, -1, strerror(dial->failure));
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct dial *dial = watcher->data;
    socklen_t len = sizeof dial->failure;
    getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &dial->failure, &len);
    if (dial->failure == 0) {
        finish(dial, dial->fd, NULL);
        return;
    }
    close(dial->fd);
    try_rest(dial);
}

static void on_resolved(void *arg, const struct addresses *found, const char *why)
{
    struct dial *dial = arg;
    dial->resolve = NULL;
    dial->addresses = *found;
    if (why != NULL)
        finish(dial, -1, why);
    else
        try_rest(dial);
}

static void begin(struct dial *dial)
{
    const struct redis_url *url = dial->url;
    if (url->host[0] == '\0')
        list_unix(dial);
    else if (resolve_numeric(&dial->addresses, url->host, url->port) != 0) {
        dial->resolve =
            resolve_start(dial->loop, url->host, url->port, on_resolved, dial);
        return;
    }
    try_rest(dial);
}

/* First the start, then the deadline of the address being tried. */
static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct dial *dial = watcher->data;
    if (dial->next == 0) {
        begin(dial);
        return;
    }
    close(dial->fd);
    dial->failure = ETIMEDOUT;
    try_rest(dial);
}

struct dial *dial_start(struct ev_loop *loop, const struct redis_url *url, dial_fn fn,
                        void *arg)
{
    struct dial *dial = xcalloc(1, sizeof *dial);
    *dial = (struct dial){.loop = loop, .url = url, .fn = fn, .arg = arg, .fd = -1};
    ev_io_init(&dial->io, on_writable, -1, 0);
    ev_timer_init(&dial->timer, on_timer, 0, 0);
    dial->io.data = dial->timer.data = dial;
    ev_timer_start(loop, &dial->timer);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    if (dial == NULL)
        return;
    resolve_cancel(dial->resolve);
    if (ev_is_active(&dial->io))
        close(dial->fd);
    let_go(dial);
    free(dial);
}
