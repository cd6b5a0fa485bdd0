/* SPDX-License-Identifier: MIT */
#include "worker/pipe_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 16 * 1024,
    /* More than a pipe holds, unless somebody still writes. */
    LEFT_BYTES = 1024 * 1024,
};

static int is_reading(const struct pipe_reader *reader)
{
    return ev_is_active(&reader->readable);
}

static void stop_reading(struct pipe_reader *reader)
{
    if (!is_reading(reader))
        return;
    ev_io_stop(reader->loop, &reader->readable);
    close(reader->readable.fd);
}

static void keep_tail(struct pipe_reader *reader, struct bytes read)
{
    struct buf *tail = &reader->tail;
    size_t max = reader->spec.tail_max;
    size_t skipped = read.len > max ? read.len - max : 0;
    buf_add(tail, read.at + skipped, read.len - skipped);
    if (tail->len <= 2 * max)
        return;
    memmove(tail->data, tail->data + tail->len - max, max);
    tail->len = max;
}

static void hand_out_lines(struct pipe_reader *reader)
{
    enum line_kind kind;
    struct bytes line;
    while ((kind = line_reader_next(&reader->lines, &line)) != LINE_NONE)
        if (reader->spec.on_line != NULL)
            reader->spec.on_line(reader->spec.arg, kind,
                                 kind == LINE_WHOLE ? line : bytes_of(""));
}

/* Returns how many bytes came; 0 when there are none now, or never again. */
static size_t take_block(struct pipe_reader *reader)
{
    size_t room;
    char *at = line_reader_room(&reader->lines, &room);
    ssize_t got = read(reader->readable.fd, at, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got > 0)
        keep_tail(reader, (struct bytes){at, (size_t)got});
    line_reader_took(&reader->lines, got > 0 ? (size_t)got : 0);
    hand_out_lines(reader);
    if (got <= 0) {
        stop_reading(reader);
        if (reader->spec.on_end != NULL)
            reader->spec.on_end(reader->spec.arg);
    }
    return got > 0 ? (size_t)got : 0;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    take_block(watcher->data);
}

int pipe_reader_open(struct pipe_reader *reader, struct ev_loop *loop,
                     const struct pipe_reader_spec *spec, int *their_end, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, LEAT_EBUSY, "no pipe can be made: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours only: the child's may block */
    *reader = (struct pipe_reader){.loop = loop, .spec = *spec};
    line_reader_init(&reader->lines, spec->line_max, BLOCK_BYTES);
    ev_io_init(&reader->readable, on_readable, ends[0], EV_READ);
    reader->readable.data = reader;
    ev_io_start(loop, &reader->readable);
    *their_end = ends[1];
    return LEAT_OK;
}

static void take_what_is_left(struct pipe_reader *reader)
{
    size_t left = LEFT_BYTES, got;
    while (is_reading(reader) && left > 0 && (got = take_block(reader)) > 0)
        left -= got < left ? got : left;
}

void pipe_reader_finish(struct pipe_reader *reader)
{
    if (reader->loop == NULL)
        return;
    take_what_is_left(reader);
    if (is_reading(reader)) { /* somebody else holds the other end: not the child */
        line_reader_took(&reader->lines, 0);
        hand_out_lines(reader);
        stop_reading(reader);
    }
}

void pipe_reader_close(struct pipe_reader *reader)
{
    if (reader->loop == NULL)
        return;
    stop_reading(reader);
    line_reader_fini(&reader->lines);
    buf_fini(&reader->tail);
    reader->loop = NULL;
}

struct bytes pipe_reader_tail(const struct pipe_reader *reader)
{
    struct bytes tail = buf_bytes(&reader->tail);
    size_t max = reader->spec.tail_max;
    return tail.len <= max ? tail : (struct bytes){tail.at + tail.len - max, max};
}

struct bytes pipe_reader_last_line(const struct pipe_reader *reader)
{
    struct bytes tail = pipe_reader_tail(reader);
    while (tail.len > 0 && (unsigned char)tail.at[tail.len - 1] <= ' ')
        tail.len--;
    const char *before = memrchr(tail.at, '\n', tail.len);
    if (before == NULL)
        return tail;
    size_t skipped = (size_t)(before + 1 - tail.at);
    return (struct bytes){before + 1, tail.len - skipped};
}
