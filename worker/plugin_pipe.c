/* SPDX-License-Identifier: MIT */
#include "worker/plugin_pipe.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    SEND_BYTES = 32 * 1024, /* the worker works on them while we go on */
    SEND_MS = 2,
    LOOK_MS = 5,
};

/* ---- life -------------------------------------------------------------------------- */

int plugin_pipe_open(struct plugin_pipe *pipe)
{
    *pipe = (struct plugin_pipe){.in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
                                 .out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe->in_fd < 0 || pipe->out_fd < 0 || nothing < 0 ||
        dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return -1;
    close(nothing);
    return 0;
}

void plugin_pipe_close(struct plugin_pipe *pipe)
{
    plugin_pipe_flush(pipe);
    close(pipe->in_fd);
    close(pipe->out_fd);
    buf_fini(&pipe->in);
    buf_fini(&pipe->out);
}

/* ---- reading ----------------------------------------------------------------------- */

static const char cancel_begins[] = "{\"cancel\":";

/* Is there a cancel from `from` on? What only looks like one costs a little time. */
static void note_cancels(struct plugin_pipe *pipe, size_t from)
{
    if (memmem(pipe->in.data + from, pipe->in.len - from, cancel_begins,
               sizeof cancel_begins - 1) != NULL)
        pipe->may_cancel = 1;
}

/* Read behind what there is. */
static void read_more(struct plugin_pipe *pipe)
{
    size_t before = pipe->in.len;
    ssize_t got;
    do
        got = read(pipe->in_fd, buf_reserve(&pipe->in, READ_BYTES), READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        pipe->ended = 1;
        return;
    }
    pipe->in.len += (size_t)got;
    note_cancels(pipe, before < sizeof cancel_begins ? 0 : before - sizeof cancel_begins);
}

/* Only the beginning of a line is left: move it to the front, and wait for the rest. */
static void refill(struct plugin_pipe *pipe)
{
    size_t rest = pipe->in.len - pipe->at;
    if (pipe->at > 0)
        memmove(pipe->in.data, pipe->in.data + pipe->at, rest);
    pipe->in.len = rest;
    pipe->at = 0;
    pipe->may_cancel = 0;
    plugin_pipe_flush(pipe);
    read_more(pipe);
}

int plugin_pipe_next(struct plugin_pipe *pipe, struct buf *line)
{
    const char *end;
    struct bytes left;
    for (;;) {
        left = buf_bytes(&pipe->in);
        left = (struct bytes){left.at + pipe->at, left.len - pipe->at};
        end = memchr(left.at, '\n', left.len);
        if (end != NULL)
            break;
        if (pipe->ended)
            return 0;
        refill(pipe);
    }
    buf_reset(line);
    buf_add(line, left.at, (size_t)(end - left.at));
    pipe->at += line->len + 1;
    return 1;
}

/* ---- cancels ----------------------------------------------------------------------- */

int plugin_pipe_cancels(const struct plugin_pipe *pipe, const char *handle)
{
    char wanted[128];
    if (!pipe->may_cancel)
        return 0;
    const char *left = pipe->in.data + pipe->at;
    size_t len = pipe->in.len - pipe->at;
    /* A line of its own: args may have the same text. */
    size_t size =
        (size_t)snprintf(wanted, sizeof wanted, "\n%s\"%s\"}\n", cancel_begins, handle);
    return memmem(left, len, wanted, size) != NULL ||
           (len >= size - 1 && memcmp(left, wanted + 1, size - 1) == 0);
}

void plugin_pipe_look(struct plugin_pipe *pipe)
{
    struct pollfd in = {.fd = pipe->in_fd, .events = POLLIN};
    int64_t now_mono_ms = clock_mono_ms();
    if (now_mono_ms - pipe->looked_mono_ms < LOOK_MS)
        return;
    pipe->looked_mono_ms = now_mono_ms;
    while (!pipe->ended && poll(&in, 1, 0) > 0)
        read_more(pipe);
}

/* ---- writing ----------------------------------------------------------------------- */

void plugin_pipe_flush(struct plugin_pipe *pipe)
{
    size_t sent = 0;
    while (sent < pipe->out.len) {
        ssize_t put = write(pipe->out_fd, pipe->out.data + sent, pipe->out.len - sent);
        if (put < 0 && errno != EINTR)
            exit(EXIT_FAILURE);
        if (put > 0)
            sent += (size_t)put;
    }
    buf_reset(&pipe->out);
    pipe->waits_mono_ms = 0;
}

void plugin_pipe_answered(struct plugin_pipe *pipe)
{
    int64_t now_mono_ms = clock_mono_ms();
    if (pipe->waits_mono_ms == 0)
        pipe->waits_mono_ms = now_mono_ms;
    if (pipe->out.len >= SEND_BYTES || now_mono_ms - pipe->waits_mono_ms >= SEND_MS)
        plugin_pipe_flush(pipe);
}
