/* SPDX-License-Identifier: MIT */
/* A faulty wire between unix sockets, for the tests: passes on what both sides say, and fails
 * each connection once, after so many bytes or chunks in one direction. Counting begins when
 * a word comes by, in either direction: by default the first script call (EVALSHA), so that
 * greetings come through and connections that call no scripts are left alone. A chunk is what
 * one read returns: whole commands or replies, mostly. The ways to fail:
 *
 *   close   both sides see the connection end
 *   hole    nothing comes through any more, and nobody is told
 *   late    the client sees the end; what it had sent reaches the server all the same, but
 *           only after another connection got an answer behind the word
 *
 * Writes block: the peers read all the time. */
#include "base/buf.h"
#include "base/opt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WIRES_MAX = 64, CHUNK_BYTES = 64 * 1024 };

enum end { CLIENT, SERVER };

struct wire {
    int fd[2]; /* by enum end; -1 when closed */
    int armed; /* the word came by */
    int doomed, failed;
    int64_t passed; /* bytes or chunks, since it was armed */
    struct buf late;
};

struct proxy {
    const char *listen, *to, *word, *direction, *unit, *fault; /* the options */
    int64_t after, times;
    struct opt_list words;
    int listener;
    struct wire wires[WIRES_MAX];
    int count;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int unix_socket(const char *path, struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (fd < 0 || strlen(path) >= sizeof address->sun_path)
        die(path);
    memcpy(address->sun_path, path, strlen(path));
    return fd;
}

static int write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written < 0)
            return -1;
        at += written;
        len -= (size_t)written;
    }
    return 0;
}

static void hang_up(struct wire *wire, enum end end)
{
    if (wire->fd[end] >= 0)
        close(wire->fd[end]);
    wire->fd[end] = -1;
}

/* ---- failing ------------------------------------------------------------------------ */

static void fail(const struct proxy *proxy, struct wire *wire, const char *rest,
                 size_t len)
{
    wire->failed = 1;
    printf("%s after %lld %s\n", proxy->fault, (long long)wire->passed, proxy->unit);
    if (strcmp(proxy->fault, "hole") == 0)
        return;
    hang_up(wire, CLIENT);
    if (strcmp(proxy->fault, "late") == 0)
        buf_add(&wire->late, rest, len);
    else
        hang_up(wire, SERVER);
}

/* Another connection is answered: what was held back arrives now, if the server still listens
 * there. */
static void deliver_late(struct proxy *proxy)
{
    for (int i = 0; i < proxy->count; i++) {
        struct wire *wire = &proxy->wires[i];
        if (wire->late.len == 0 || wire->fd[SERVER] < 0)
            continue;
        int code = write_all(wire->fd[SERVER], wire->late.data, wire->late.len);
        printf("%zu bytes late: %s\n", wire->late.len, code == 0 ? "sent" : "refused");
        buf_reset(&wire->late);
    }
}

/* How much of a chunk may pass. */
static size_t allowance(const struct proxy *proxy, const struct wire *wire, size_t len)
{
    size_t left = (size_t)(proxy->after - wire->passed);
    if (strcmp(proxy->unit, "chunks") == 0)
        return left > 0 ? len : 0;
    return left < len ? left : len;
}

static int counts(const struct proxy *proxy, enum end from)
{
    return (strcmp(proxy->direction, "to-server") == 0) == (from == CLIENT);
}

/* ---- passing on --------------------------------------------------------------------- */

static void arm(struct proxy *proxy, struct wire *wire)
{
    wire->armed = 1;
    wire->doomed = proxy->times > 0;
    proxy->times -= wire->doomed;
}

static void pass(struct proxy *proxy, struct wire *wire, enum end from, const char *chunk,
                 size_t len)
{
    enum end to = from == CLIENT ? SERVER : CLIENT;
    size_t may = len;
    if (!wire->armed && memmem(chunk, len, proxy->word, strlen(proxy->word)) != NULL)
        arm(proxy, wire);
    int counted = wire->doomed && counts(proxy, from);
    if (counted)
        may = allowance(proxy, wire, len);
    if (may > 0 && write_all(wire->fd[to], chunk, may) != 0)
        hang_up(wire, to);
    if (counted && may == len)
        wire->passed += strcmp(proxy->unit, "chunks") == 0 ? 1 : (int64_t)len;
    if (may < len)
        fail(proxy, wire, chunk + may, len - may);
    else if (from == SERVER && wire->armed)
        deliver_late(proxy);
}

static void on_readable(struct proxy *proxy, struct wire *wire, enum end from)
{
    static char chunk[CHUNK_BYTES];
    enum end to = from == CLIENT ? SERVER : CLIENT;
    ssize_t got = read(wire->fd[from], chunk, sizeof chunk);
    if (got <= 0) {
        hang_up(wire, from);
        hang_up(wire, to);
    } else if (!wire->failed && wire->fd[to] >= 0) {
        pass(proxy, wire, from, chunk, (size_t)got);
    }
}

/* ---- life --------------------------------------------------------------------------- */

static void on_client(struct proxy *proxy)
{
    struct sockaddr_un address;
    int client = accept(proxy->listener, NULL, NULL);
    int server = unix_socket(proxy->to, &address);
    if (client < 0 || proxy->count == WIRES_MAX ||
        connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        close(server);
        return;
    }
    proxy->wires[proxy->count++] = (struct wire){.fd = {client, server}};
}

static void forget_closed(struct proxy *proxy)
{
    for (int i = proxy->count - 1; i >= 0; i--) {
        struct wire *wire = &proxy->wires[i];
        if (wire->fd[CLIENT] >= 0 || wire->fd[SERVER] >= 0)
            continue;
        buf_fini(&wire->late);
        *wire = proxy->wires[--proxy->count];
    }
}

static void turn(struct proxy *proxy)
{
    struct pollfd polled[1 + 2 * WIRES_MAX] = {{proxy->listener, POLLIN, 0}};
    int count = proxy->count;
    for (int i = 0; i < count; i++)
        for (int end = 0; end < 2; end++)
            polled[1 + 2 * i + end] = (struct pollfd){proxy->wires[i].fd[end], POLLIN, 0};
    if (poll(polled, 1 + 2 * (nfds_t)count, -1) < 0 && errno != EINTR)
        die("poll");
    for (int i = 0; i < count; i++)
        for (int end = 0; end < 2; end++)
            if (polled[1 + 2 * i + end].revents != 0 && proxy->wires[i].fd[end] >= 0)
                on_readable(proxy, &proxy->wires[i], end);
    forget_closed(proxy);
    if (polled[0].revents != 0)
        on_client(proxy);
}

#define AT(member) offsetof(struct proxy, member)

static const struct opt options[] = {
    {"listen", 0, OPT_TEXT, AT(listen), "PATH", "proxy.sock", 0, 0,
     "the socket that clients use"},
    {"to", 0, OPT_TEXT, AT(to), "PATH", "redis.sock", 0, 0, "the server's socket"},
    {"word", 0, OPT_TEXT, AT(word), "WORD", "EVALSHA", 0, 0, "where counting begins"},
    {"direction", 0, OPT_TEXT, AT(direction), "DIR", "to-server", 0, 0,
     "what is counted: to-server or to-client"},
    {"unit", 0, OPT_TEXT, AT(unit), "UNIT", "bytes", 0, 0, "bytes or chunks"},
    {"after", 0, OPT_INT, AT(after), "N", "0", 0, 1 << 30, "how many of them pass"},
    {"fault", 0, OPT_TEXT, AT(fault), "FAULT", "close", 0, 0, "close, hole or late"},
    {"times", 0, OPT_INT, AT(times), "N", "1", 0, 1000,
     "how many connections fail; the later ones work"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about =
        "A faulty wire for the tests; prints `listening' when it is ready, and a line "
        "for each fault.",
    .rows = options,
    .row_count = sizeof options / sizeof *options,
    .words_offset = AT(words),
};

int main(int argc, char **argv)
{
    static struct proxy proxy;
    struct sockaddr_un address;
    opt_parse(&spec, argc, argv, &proxy);
    signal(SIGPIPE, SIG_IGN);
    setlinebuf(stdout);
    proxy.listener = unix_socket(proxy.listen, &address);
    unlink(proxy.listen);
    if (bind(proxy.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(proxy.listener, WIRES_MAX) != 0)
        die(proxy.listen);
    puts("listening");
    for (;;)
        turn(&proxy);
}
