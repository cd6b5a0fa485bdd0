/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/line_reader.h"
#include "suite.h"

#include <string.h>

enum { LINE_MAX = 8, READ_BYTES = 4 };

/* Give `text` in pieces of at most `step` bytes; note each line as `number:text|` or
 * `number!|` for one that is too long. */
static void read_all(struct buf *seen, const char *text, size_t step)
{
    struct line_reader reader;
    struct bytes line;
    enum line_kind kind;
    size_t left = strlen(text);
    line_reader_init(&reader, LINE_MAX, READ_BYTES);
    while (!reader.at_end) {
        size_t len;
        char *to = line_reader_room(&reader, &len);
        ck_assert_uint_ge(len, READ_BYTES);
        len = left < step ? left : len < step ? len : step;
        memcpy(to, text, len);
        text += len;
        left -= len;
        line_reader_took(&reader, len);
        while ((kind = line_reader_next(&reader, &line)) != LINE_NONE) {
            buf_add_int(seen, reader.number);
            buf_addf(seen, kind == LINE_WHOLE ? ":%.*s|" : "!|", (int)line.len, line.at);
        }
    }
    line_reader_fini(&reader);
}

START_TEST(lines_are_the_same_in_whatever_pieces_they_come)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"\n", "1:|"},
        {"a", "1:a|"},
        {"a\n", "1:a|"},
        {"a\n\nb", "1:a|2:|3:b|"},
        {"12345678\n1", "1:12345678|2:1|"},
        {"123456789\nb\n", "1!|2:b|"},
        {"a\n12345678901234567890123456789\nb", "1:a|2!|3:b|"},
        {"12345678901234567890123456789", "1!|"},
        {"12345678901234567890123456789\n", "1!|"},
        {"a\r\nb\r\n", "1:a\r|2:b\r|"},
    };
    for (unsigned i = 0; i < COUNT(cases); i++)
        for (size_t step = 1; step <= READ_BYTES; step++) {
            struct buf seen = {0};
            read_all(&seen, cases[i].text, step);
            ck_assert_str_eq(buf_text(&seen), cases[i].want);
            buf_fini(&seen);
        }
}
END_TEST

SUITE("line_reader", lines_are_the_same_in_whatever_pieces_they_come)
