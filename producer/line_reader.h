/* SPDX-License-Identifier: MIT */
/* Lines of a file, in large blocks and without copying: a line is a view of the block. A
 * line that is too long is skipped to its end and never kept. */
#ifndef LEAT_PRODUCER_LINE_READER_H
#define LEAT_PRODUCER_LINE_READER_H

#include "base/mem.h"

#include <stdint.h>

struct line_reader {
    int fd;
    size_t line_max;
    char *block;
    size_t start, end; /* what of the block is not handed out yet */
    int64_t number;    /* of the last line handed out, from 1 */
    int skipping;      /* the rest of a line that was too long */
    int at_end;        /* of the file */
};

enum line_kind { LINE_NONE, LINE_WHOLE, LINE_TOO_LONG };

/* Start reading; `line_max` is the longest line without its newline. */
void line_reader_init(struct line_reader *reader, int fd, size_t line_max);

void line_reader_fini(struct line_reader *reader);

/* Read once. To be called when line_reader_next() had nothing, on a file that is not at its
 * end. Returns 0 or an errno. */
int line_reader_fill(struct line_reader *reader);

/* Take the next line, without its newline; borrowed until line_reader_fill(). LINE_NONE:
 * there is none yet, or none at all when `at_end`. */
enum line_kind line_reader_next(struct line_reader *reader, struct bytes *line);

#endif
