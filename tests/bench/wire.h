/* SPDX-License-Identifier: MIT */
/* A blocking connection to Redis on a unix socket, with nothing between the benchmark and
 * the system calls. Any trouble, an error of Redis included, ends the program. */
#ifndef LEAT_TESTS_BENCH_WIRE_H
#define LEAT_TESTS_BENCH_WIRE_H

#include "base/buf.h"

struct wire {
    int fd;
    struct buf in;    /* what was read */
    size_t at;        /* up to here it is consumed */
    const char *text; /* of the last string, terminated; borrowed until the next reply */
};

/* Connect to, or listen at, a unix socket. Returns the descriptor. */
int wire_dial(const char *path);
int wire_listen(const char *path);

/* Connect. */
void wire_open(struct wire *wire, const char *path);

/* Close; the wire is zeroed. */
void wire_close(struct wire *wire);

/* Append a command; the list of its words ends with NULL. */
void wire_format(struct buf *out, ...) __attribute__((sentinel));

/* Append LPUSH of `count` values that stand in `lines`, one a line. Returns the rest. */
struct bytes wire_format_push(struct buf *out, const char *key, struct bytes lines,
                              int64_t count);

/* Write everything. */
void wire_send(int fd, struct bytes bytes);

/* Read one reply, a number, a status or a string. Returns the number; 0 of a status, the
 * length of a string, -1 of a nil. */
int64_t wire_reply(struct wire *wire);

/* Send a command and read its reply. */
int64_t wire_ask(struct wire *wire, const struct buf *command);

/* Read a whole file. Owns: the caller. */
struct buf wire_read_file(const char *path);

#endif
