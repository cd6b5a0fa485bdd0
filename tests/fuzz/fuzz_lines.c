/* SPDX-License-Identifier: MIT */
/* Lines that come in pieces of any length are the lines of the whole: none is lost,
 * doubled or joined, and of one that is too long only its number is told. */
#include "base/line_reader.h"
#include "fuzz.h"

#include <string.h>

enum { LINE_MAX_BYTES = 16, READ_BYTES = 8 };

struct lines {
    struct bytes rest;
    int64_t number;
};

/* The reference: the whole input is there. Returns LINE_NONE at its end. */
static enum line_kind next_of_whole(struct lines *lines, struct bytes *line)
{
    if (lines->rest.len == 0)
        return LINE_NONE;
    const char *newline = memchr(lines->rest.at, '\n', lines->rest.len);
    size_t len = newline != NULL ? (size_t)(newline - lines->rest.at) : lines->rest.len;
    size_t step = newline != NULL ? len + 1 : len;
    *line = (struct bytes){lines->rest.at, len};
    lines->rest = (struct bytes){lines->rest.at + step, lines->rest.len - step};
    lines->number++;
    return len <= LINE_MAX_BYTES ? LINE_WHOLE : LINE_TOO_LONG;
}

static void compare(struct line_reader *reader, struct lines *lines)
{
    struct bytes line, want;
    enum line_kind kind;
    while ((kind = line_reader_next(reader, &line)) != LINE_NONE) {
        MUST(next_of_whole(lines, &want) == kind && reader->number == lines->number);
        MUST(kind == LINE_TOO_LONG || bytes_equal(line, want));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct bytes input = input_of(data + 1, size - 1), left = input, none;
    struct lines lines = {.rest = input};
    struct line_reader reader;
    line_reader_init(&reader, LINE_MAX_BYTES, READ_BYTES);
    while (!reader.at_end) {
        size_t room, piece = data[0] % 32 + 1u;
        char *to = line_reader_room(&reader, &room);
        MUST(room >= READ_BYTES);
        piece = piece < room ? piece : room;
        piece = piece < left.len ? piece : left.len;
        memcpy(to, left.at, piece);
        line_reader_took(&reader, piece);
        left = (struct bytes){left.at + piece, left.len - piece};
        compare(&reader, &lines);
    }
    MUST(next_of_whole(&lines, &none) == LINE_NONE);
    line_reader_fini(&reader);
    return 0;
}
