/* SPDX-License-Identifier: MIT */
/* What a child writes into a pipe: lines as they come, and the last bytes, kept for
 * whoever asks why it failed. It never blocks, takes one block in a turn of the loop, and
 * keeps no more than a line and the tail, however much is written. It does not wait for
 * the pipe's end either, which a process that outlives the child may hold open. */
#ifndef LEAT_WORKER_PIPE_READER_H
#define LEAT_WORKER_PIPE_READER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/line_reader.h"

#include <ev.h>

/* A line without its LF, borrowed for the call; or LINE_TOO_LONG, whose `line` is empty.
 * It must not close the reader. */
typedef void (*pipe_line_fn)(void *arg, enum line_kind kind, struct bytes line);

/* Nobody holds the other end any more. It must not close the reader. */
typedef void (*pipe_end_fn)(void *arg);

struct pipe_reader_spec {
    size_t line_max;      /* bytes of the longest line */
    size_t tail_max;      /* bytes of the tail; 0: none is kept */
    pipe_line_fn on_line; /* NULL: nobody wants them */
    void *arg;
    pipe_end_fn on_end; /* NULL: nobody asks */
};

/* In the caller's memory; zeroed, it is closed. */
struct pipe_reader {
    struct ev_loop *loop; /* NULL: it is closed */
    struct pipe_reader_spec spec;
    ev_io readable;
    struct line_reader lines;
    struct buf tail; /* up to twice as long as asked for */
};

/* Make a pipe and read it. `*their_end` is the child's: the caller closes it when the
 * child has it. Errors: LEAT_EBUSY: no more descriptors. */
int pipe_reader_open(struct pipe_reader *reader, struct ev_loop *loop,
                     const struct pipe_reader_spec *spec, int *their_end,
                     struct err *err);

/* The child has ended: take what it left in the pipe, also a last line without an LF, and
 * read no further. The tail stays. No effect on a closed one. */
void pipe_reader_finish(struct pipe_reader *reader);

/* Read no further, and forget the tail. */
void pipe_reader_close(struct pipe_reader *reader);

/* The last bytes that were read; borrowed until the next are. */
struct bytes pipe_reader_tail(const struct pipe_reader *reader);

/* The last line in them, without what is blank behind it; as long as the tail. */
struct bytes pipe_reader_last_line(const struct pipe_reader *reader);

#endif
