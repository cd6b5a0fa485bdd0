/* SPDX-License-Identifier: MIT */
/* Lines of a stream, in large blocks and without copying: a line is a view of the block.
 * A line that is too long is skipped to its end and never kept. Where the bytes come from
 * is its owner's business: he writes them where line_reader_room() says. */
#ifndef LEAT_BASE_LINE_READER_H
#define LEAT_BASE_LINE_READER_H

#include "base/mem.h"

#include <stdint.h>

struct line_reader {
    size_t line_max, size;
    char *block;
    size_t start, end; /* what of the block is not handed out yet */
    int64_t number;    /* of the last line handed out, from 1 */
    int skipping;      /* the rest of a line that was too long */
    int at_end;        /* nothing comes behind what is in the block */
};

enum line_kind { LINE_NONE, LINE_WHOLE, LINE_TOO_LONG };

/* Start; `line_max` is the longest line without its newline, `read_bytes` what there is
 * always room for when line_reader_next() had nothing. */
void line_reader_init(struct line_reader *reader, size_t line_max, size_t read_bytes);

/* Free what was read. */
void line_reader_fini(struct line_reader *reader);

/* Say where the next bytes go, and how many fit. Lines handed out before are gone
 * then. */
char *line_reader_room(struct line_reader *reader, size_t *len);

/* `len` bytes were written there; 0: the stream has ended. */
void line_reader_took(struct line_reader *reader, size_t len);

/* Take the next line, without its newline; borrowed until line_reader_room(). LINE_NONE:
 * there is none yet, or none at all when `at_end`. */
enum line_kind line_reader_next(struct line_reader *reader, struct bytes *line);

#endif
