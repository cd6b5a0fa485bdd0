/* SPDX-License-Identifier: MIT */
#include "base/line_reader.h"

#include <stdlib.h>
#include <string.h>

void line_reader_init(struct line_reader *reader, size_t line_max, size_t read_bytes)
{
    *reader = (struct line_reader){.line_max = line_max};
    reader->size = line_max + 1 + read_bytes;
    reader->block = xmalloc(reader->size);
}

void line_reader_fini(struct line_reader *reader)
{
    free(reader->block);
    *reader = (struct line_reader){0};
}

char *line_reader_room(struct line_reader *reader, size_t *len)
{
    size_t kept = reader->end - reader->start;
    memmove(reader->block, reader->block + reader->start, kept);
    reader->start = 0;
    reader->end = kept;
    *len = reader->size - kept;
    return reader->block + kept;
}

void line_reader_took(struct line_reader *reader, size_t len)
{
    reader->at_end = len == 0;
    reader->end += len;
}

/* No newline in sight: keep what may become a line, drop what cannot. */
static enum line_kind rest_of_block(struct line_reader *reader, struct bytes *line)
{
    struct bytes rest = {reader->block + reader->start, reader->end - reader->start};
    if (reader->skipping || rest.len > reader->line_max) {
        int is_new = !reader->skipping;
        reader->skipping = 1;
        reader->start = reader->end;
        reader->number += is_new;
        return is_new ? LINE_TOO_LONG : LINE_NONE;
    }
    if (!reader->at_end || rest.len == 0)
        return LINE_NONE;
    reader->start = reader->end;
    reader->number++;
    *line = rest;
    return LINE_WHOLE;
}

enum line_kind line_reader_next(struct line_reader *reader, struct bytes *line)
{
    for (;;) {
        const char *at = reader->block + reader->start;
        const char *newline = memchr(at, '\n', reader->end - reader->start);
        if (newline == NULL)
            return rest_of_block(reader, line);
        size_t len = (size_t)(newline - at);
        reader->start += len + 1;
        if (reader->skipping) {
            reader->skipping = 0;
            continue;
        }
        reader->number++;
        *line = (struct bytes){at, len};
        return len <= reader->line_max ? LINE_WHOLE : LINE_TOO_LONG;
    }
}
