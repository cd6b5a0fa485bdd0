/* SPDX-License-Identifier: MIT */
#include "dashboard/listen.h"

#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 511 };

/* Turn errno of bind() or listen() into a sentence that says what to do. */
static int refused(struct err *err, const char *address)
{
    switch (errno) {
    case EADDRINUSE:
        return err_set(
            err, LEAT_EBUSY,
            "%s is in use, perhaps by another dashboard: stop it or listen elsewhere",
            address);
    case EACCES:
    case EPERM:
        return err_set(err, LEAT_EDENIED,
                       "no permission to listen on %s: take a port above 1023 or a "
                       "directory you can write to",
                       address);
    case EADDRNOTAVAIL:
        return err_set(err, LEAT_ECONFIG, "%s is no address of this machine", address);
    default:
        return err_set(err, LEAT_ECONFIG, "cannot listen on %s: %s", address,
                       strerror(errno));
    }
}

/* Note what the kernel bound: the port may have been 0. */
static void describe_tcp(struct listen_socket *out)
{
    union address bound = {0};
    socklen_t len = sizeof bound;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(out->fd, &bound.any, &len);
    if (bound.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &bound.v6.sin6_addr, host, sizeof host);
        snprintf(out->host, sizeof out->host, "[%s]", host);
        out->port = ntohs(bound.v6.sin6_port);
        out->is_loopback = IN6_IS_ADDR_LOOPBACK(&bound.v6.sin6_addr);
        out->is_any = IN6_IS_ADDR_UNSPECIFIED(&bound.v6.sin6_addr);
    } else {
        inet_ntop(AF_INET, &bound.v4.sin_addr, host, sizeof host);
        snprintf(out->host, sizeof out->host, "%s", host);
        out->port = ntohs(bound.v4.sin_port);
        out->is_loopback = ntohl(bound.v4.sin_addr.s_addr) >> 24 == 127;
        out->is_any = bound.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    snprintf(out->address, sizeof out->address, "%s:%d", out->host, out->port);
}

static int open_tcp(struct listen_socket *out, const union address *at, socklen_t len,
                    const char *address, struct err *err)
{
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused(err, address);
    /* Else a restart fails while old connections linger in TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    /* A connection is told of when its first bytes are there: one wake-up less for
     * each. */
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){1}, sizeof(int));
    if (bind(fd, &at->any, len) != 0 || listen(fd, BACKLOG) != 0) {
        int code = refused(err, address);
        close(fd);
        return code;
    }
    *out = (struct listen_socket){.fd = fd};
    describe_tcp(out);
    return 0;
}

/* Remove a socket that nobody answers on; anything else at that path is left alone. */
static int remove_stale(const union address *at, struct err *err)
{
    const char *path = at->local.sun_path;
    struct stat status;
    if (lstat(path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return err_set(err, LEAT_ECONFIG,
                       "%s exists and is no socket: choose another path", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int answer = connect(fd, &at->any, sizeof at->local) == 0 ? 0 : errno;
    close(fd);
    if (answer != ECONNREFUSED)
        return err_set(
            err, LEAT_EBUSY,
            "%s is in use, perhaps by another dashboard: stop it or listen elsewhere",
            path);
    unlink(path);
    return 0;
}

static int open_unix(struct listen_socket *out, const union address *at,
                     const char *address, struct err *err)
{
    int busy = remove_stale(at, err);
    if (busy != 0)
        return busy;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refused(err, address);
    /* Linux gives the file the mode of the descriptor, so that it never is wider open. */
    fchmod(fd, 0600);
    if (bind(fd, &at->any, sizeof at->local) != 0 || listen(fd, BACKLOG) != 0) {
        int code = refused(err, address);
        close(fd);
        return code;
    }
    *out = (struct listen_socket){.fd = fd, .is_loopback = 1};
    snprintf(out->address, sizeof out->address, "%s", address);
    return 0;
}

int listen_open(struct listen_socket *out, const char *address, struct err *err)
{
    union address at;
    socklen_t len;
    if (address_read(&at, &len, address, err) != LEAT_OK)
        return LEAT_EUSAGE;
    if (at.any.sa_family == AF_UNIX)
        return open_unix(out, &at, address, err);
    return open_tcp(out, &at, len, address, err);
}

void listen_close(struct listen_socket *listening)
{
    if (listening->port == 0)
        unlink(listening->address + strlen("unix:"));
    close(listening->fd);
}
