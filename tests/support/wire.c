/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024, OWN_POLLED = 2 };

static int unix_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, strlen(path));
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

static void hang_up(struct wire_line *line, enum wire_end end)
{
    if (line->fd[end] >= 0)
        close(line->fd[end]);
    line->fd[end] = -1;
}

static int has_word(const struct wire_fault *fault, const char *chunk, size_t len)
{
    return memmem(chunk, len, fault->word, strlen(fault->word)) != NULL;
}

/* ---- failing ----------------------------------------------------------------------- */

static void fail(struct wire *wire, struct wire_line *line, const char *rest, size_t len)
{
    line->failed = 1;
    wire->failures++;
    if (wire->on_fault != NULL)
        wire->on_fault(line->fault, line->passed);
    if (line->fault->kind == WIRE_HOLE)
        return;
    hang_up(line, WIRE_CLIENT);
    if (line->fault->kind == WIRE_LATE)
        buf_add(&line->late, rest, len);
    else
        hang_up(line, WIRE_SERVER);
}

/* Another connection says the word behind which it may come. */
static void note_word(struct wire *wire, const char *chunk, size_t len)
{
    for (int i = 0; i < wire->line_count; i++) {
        struct wire_line *line = &wire->line[i];
        if (line->late.len > 0)
            line->due |= has_word(line->fault, chunk, len);
    }
}

/* And is answered: what was held back arrives now, if the server still listens there. */
static void deliver_late(struct wire *wire)
{
    for (int i = 0; i < wire->line_count; i++) {
        struct wire_line *line = &wire->line[i];
        if (!line->due || line->fd[WIRE_SERVER] < 0)
            continue;
        int code = write_all(line->fd[WIRE_SERVER], line->late.data, line->late.len);
        if (wire->on_late != NULL)
            wire->on_late(line->late.len, code == 0);
        buf_reset(&line->late);
        line->due = 0;
    }
}

/* ---- where ------------------------------------------------------------------------- */

/* Is the n-th edge here? `next` is the byte that wants to pass, NULL when none is
 * known. */
static int is_edge(const struct wire_line *line, int64_t n, const char *next)
{
    enum { BEFORE, AT, BEHIND, EDGES };
    struct resp resp = line->resp;
    int64_t message = (n + 1) / EDGES;
    switch ((n + 1) % EDGES) {
    case BEFORE:
        return line->messages == message - 1 && next != NULL && resp_see(&resp, *next);
    case AT: return line->messages == message && line->beyond == 0;
    default: return line->messages == message && line->beyond == 1;
    }
}

static int is_place(const struct wire_line *line, const char *next)
{
    const struct wire_fault *fault = line->fault;
    return fault->unit == WIRE_EDGES ? is_edge(line, fault->after, next)
                                     : line->passed == fault->after;
}

static void let_by(struct wire_line *line, char byte)
{
    line->passed++;
    line->beyond++;
    if (!resp_see(&line->resp, byte))
        return;
    line->messages++;
    line->beyond = 0;
}

/* How much of a chunk may pass; it is counted. */
static size_t allowance(struct wire_line *line, const char *chunk, size_t len)
{
    size_t may = 0;
    if (line->fault->unit == WIRE_CHUNKS) {
        may = is_place(line, NULL) ? 0 : len;
        line->passed += may > 0;
        return may;
    }
    for (; may < len && !is_place(line, &chunk[may]); may++)
        let_by(line, chunk[may]);
    return may;
}

/* Does it fail although all of the chunk passed? A whole command then reaches the server,
 * and its answer nobody. Of chunks the next one is waited for, and what is to come late
 * must have been said. */
static int fails_at_once(const struct wire_line *line)
{
    return line->fault->unit != WIRE_CHUNKS && line->fault->kind != WIRE_LATE &&
           is_place(line, NULL);
}

/* ---- passing on -------------------------------------------------------------------- */

static struct wire_fault *next_fault(struct wire *wire)
{
    int i = 0;
    while (i < wire->fault_count - 1 && wire->fault[i].times == 0)
        i++;
    return &wire->fault[i];
}

static void arm(struct wire *wire, struct wire_line *line, const char *chunk, size_t len)
{
    struct wire_fault *fault = next_fault(wire);
    if (line->fault != NULL || line->spared || fault->times == 0 ||
        !has_word(fault, chunk, len))
        return;
    line->spared = fault->skip > 0;
    fault->skip -= line->spared;
    if (line->spared)
        return;
    fault->times--;
    line->fault = fault;
}

static void pass(struct wire *wire, struct wire_line *line, enum wire_end from,
                 const char *chunk, size_t len)
{
    enum wire_end to = from == WIRE_CLIENT ? WIRE_SERVER : WIRE_CLIENT;
    size_t may = len;
    arm(wire, line, chunk, len);
    if (from == WIRE_CLIENT)
        note_word(wire, chunk, len);
    int counted = line->fault != NULL && line->fault->from == from;
    if (counted)
        may = allowance(line, chunk, len);
    if (may > 0 && write_all(line->fd[to], chunk, may) != 0)
        hang_up(line, to);
    if (counted && (may < len || fails_at_once(line)))
        fail(wire, line, chunk + may, len - may);
    else if (from == WIRE_SERVER)
        deliver_late(wire);
}

static void on_readable(struct wire *wire, struct wire_line *line, enum wire_end from)
{
    static _Thread_local char chunk[CHUNK_BYTES];
    enum wire_end to = from == WIRE_CLIENT ? WIRE_SERVER : WIRE_CLIENT;
    ssize_t got = read(line->fd[from], chunk, sizeof chunk);
    if (got <= 0) {
        hang_up(line, from);
        hang_up(line, to);
    } else if (!line->failed && line->fd[to] >= 0) {
        pass(wire, line, from, chunk, (size_t)got);
    }
}

/* ---- life -------------------------------------------------------------------------- */

int wire_open(struct wire *wire, const char *path)
{
    struct sockaddr_un address;
    wire->listener = unix_socket(path, &address);
    if (wire->listener < 0)
        return -1;
    unlink(path);
    if (bind(wire->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(wire->listener, WIRE_LINES_MAX) == 0)
        return 0;
    close(wire->listener);
    return -1;
}

static void on_client(struct wire *wire)
{
    struct sockaddr_un address;
    int client = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = unix_socket(wire->to, &address);
    if (client < 0 || server < 0 || wire->line_count == WIRE_LINES_MAX ||
        connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        close(server);
        return;
    }
    wire->line[wire->line_count++] = (struct wire_line){.fd = {client, server}};
}

static void forget_closed(struct wire *wire)
{
    for (int i = wire->line_count - 1; i >= 0; i--) {
        struct wire_line *line = &wire->line[i];
        if (line->fd[WIRE_CLIENT] >= 0 || line->fd[WIRE_SERVER] >= 0)
            continue;
        buf_fini(&line->late);
        *line = wire->line[--wire->line_count];
    }
}

int wire_turn(struct wire *wire, int stop)
{
    struct pollfd polled[OWN_POLLED + 2 * WIRE_LINES_MAX] = {
        {.fd = wire->listener, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    int count = wire->line_count;
    for (int i = 0; i < count; i++)
        for (int end = 0; end < 2; end++)
            polled[OWN_POLLED + 2 * i + end] =
                (struct pollfd){wire->line[i].fd[end], POLLIN, 0};
    if (poll(polled, OWN_POLLED + 2 * (nfds_t)count, -1) < 0)
        return errno == EINTR ? 0 : -1;
    for (int i = 0; i < count; i++)
        for (int end = 0; end < 2; end++)
            if (polled[OWN_POLLED + 2 * i + end].revents != 0 &&
                wire->line[i].fd[end] >= 0)
                on_readable(wire, &wire->line[i], (enum wire_end)end);
    forget_closed(wire);
    if (polled[0].revents != 0)
        on_client(wire);
    return polled[1].revents != 0 ? -1 : 0;
}

void wire_close(struct wire *wire)
{
    for (int i = 0; i < wire->line_count; i++) {
        hang_up(&wire->line[i], WIRE_CLIENT);
        hang_up(&wire->line[i], WIRE_SERVER);
        buf_fini(&wire->line[i].late);
    }
    wire->line_count = 0;
    close(wire->listener);
}
