/* SPDX-License-Identifier: MIT */
/* A handler that does nothing, as quickly as it can: reads calls, one a line, and answers
 * each with its handle. It says how many it takes at once, if told so, and may keep a
 * copy of what it read. */
#include "measure.h"
#include "base/buf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

#define CALL "{\"job\":\""

static void put(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0)
            measure_die("write");
        data += put;
        len -= (size_t)put;
    }
}

/* What is no call, a cancel for example, gets no answer. */
static void answer(struct buf *out, const char *line, const char *end)
{
    size_t start = sizeof CALL - 1;
    if ((size_t)(end - line) < start || memcmp(line, CALL, start) != 0)
        return;
    const char *quote = memchr(line + start, '"', (size_t)(end - line) - start);
    if (quote == NULL)
        return;
    buf_add(out, line, (size_t)(quote + 1 - line));
    buf_adds(out, "}\n");
}

/* Answer the whole lines, and keep the rest for later. */
static void answer_all(struct buf *in, struct buf *out)
{
    const char *at = in->data, *stop = in->data + in->len, *end;
    while ((end = memchr(at, '\n', (size_t)(stop - at))) != NULL) {
        answer(out, at, end);
        at = end + 1;
    }
    in->len = (size_t)(stop - at);
    memmove(in->data, at, in->len);
}

int main(int argc, char **argv)
{
    struct buf in = {0}, out = {0};
    ssize_t got;
    int copy = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (argc > 1)
        buf_addf(&out, "{\"in_flight\":%d}\n", atoi(argv[1]));
    for (;;) {
        put(STDOUT_FILENO, buf_text(&out), out.len);
        buf_reset(&out);
        got = read(STDIN_FILENO, buf_reserve(&in, PIECE_BYTES), PIECE_BYTES);
        if (got <= 0)
            return got == 0 ? 0 : 1;
        if (copy >= 0)
            put(copy, in.data + in.len, (size_t)got);
        in.len += (size_t)got;
        answer_all(&in, &out);
    }
}
