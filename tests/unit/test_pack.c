/* SPDX-License-Identifier: MIT */
#include "schema/pack.h"
#include "base/buf.h"
#include "suite.h"

#include <string.h>

#define BYTES(literal) ((struct bytes){literal, sizeof(literal) - 1})

/* Append a number as `width` bytes, the highest first. */
static void add_number(struct buf *out, size_t number, int width)
{
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
        buf_addc(out, (char)(number >> shift));
}

static void check_strings(struct bytes packed, const char *const *want, size_t count)
{
    struct pack_reader reader;
    ck_assert_int_eq(pack_open(&reader, packed), 0);
    ck_assert_uint_eq(reader.left, count);
    for (size_t i = 0; i < count; i++) {
        struct bytes text;
        ck_assert_int_eq(pack_next(&reader, &text), 0);
        ck_assert(bytes_is(text, want[i]));
    }
    struct bytes none;
    ck_assert_int_eq(pack_next(&reader, &none), -1);
}

START_TEST(every_form_of_array_and_string_is_read)
{
    static const char *const want[] = {"a", "bc"};
    check_strings(BYTES("\x92\xa1"
                        "a\xa2"
                        "bc"),
                  want, 2);
    check_strings(BYTES("\xdc\0\2\xd9\1"
                        "a\xda\0\2"
                        "bc"),
                  want, 2);
    check_strings(BYTES("\xdd\0\0\0\2\xdb\0\0\0\1"
                        "a\xc4\2"
                        "bc"),
                  want, 2);
    check_strings(BYTES("\x92\xc5\0\1"
                        "a\xc6\0\0\0\2"
                        "bc"),
                  want, 2);
    check_strings(BYTES("\x90"), NULL, 0);
    check_strings(BYTES("\xdc\0\0"), NULL, 0);
}
END_TEST

/* Lengths at which cmsgpack changes the form. */
static const size_t edges[] = {0, 1, 31, 32, 255, 256, 65535, 65536};

static void add_string(struct buf *out, size_t len)
{
    if (len < 32)
        buf_addc(out, (char)(0xa0 | len));
    else
        buf_addc(out, (char)(len < 256 ? 0xd9 : len < 65536 ? 0xda : 0xdb));
    if (len >= 32)
        add_number(out, len, len < 256 ? 1 : len < 65536 ? 2 : 4);
    memset(buf_reserve(out, len), 'x', len);
    out->len += len;
}

START_TEST(strings_are_read_at_every_length_where_the_form_changes)
{
    struct buf packed = {0};
    buf_addc(&packed, (char)(0x90 | COUNT(edges)));
    for (size_t i = 0; i < COUNT(edges); i++)
        add_string(&packed, edges[i]);
    struct pack_reader reader;
    ck_assert_int_eq(pack_open(&reader, buf_bytes(&packed)), 0);
    for (size_t i = 0; i < COUNT(edges); i++) {
        struct bytes text;
        ck_assert_int_eq(pack_next(&reader, &text), 0);
        ck_assert_uint_eq(text.len, edges[i]);
    }
    ck_assert_uint_eq(reader.rest.len, 0);
    buf_fini(&packed);
}
END_TEST

START_TEST(a_body_cut_anywhere_is_refused_before_its_end_is_passed)
{
    struct bytes whole = BYTES("\xdc\0\3\xa2"
                               "ab\xd9\2"
                               "cd\xda\0\2"
                               "ef");
    for (size_t len = 0; len < whole.len; len++) {
        char *cut = xstrndup(whole.at, len); /* so that reading past the end is seen */
        struct pack_reader reader;
        struct bytes text;
        int taken = 0;
        if (pack_open(&reader, (struct bytes){cut, len}) == 0)
            while (pack_next(&reader, &text) == 0)
                taken++;
        ck_assert_int_lt(taken, 3);
        free(cut);
    }
}
END_TEST

START_TEST(what_is_no_array_is_refused)
{
    static const struct bytes rows[] = {
        {NULL, 0},         BYTES("\x81\xa1"),  BYTES("\xa1x"),    BYTES("\xc0"),
        BYTES("\x01"),     BYTES("\xdc"),      BYTES("\xdc\0"),   BYTES("\xdd\0\0\0"),
        BYTES("\xde\0\1"), BYTES("{\"a\":1}"), BYTES("\xff\xff"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pack_reader reader;
        ck_assert_msg(pack_open(&reader, rows[i]) == -1, "row %zu", i);
    }
}
END_TEST

START_TEST(an_item_that_is_no_string_is_refused)
{
    static const struct bytes rows[] = {
        BYTES("\x91\x01"), BYTES("\x91\xc0"),     BYTES("\x91\x90"),
        BYTES("\x91\x80"), BYTES("\x91\xcd\0\1"), BYTES("\x91\xcb\0\0\0\0\0\0\0\0"),
        BYTES("\x91\xc1"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pack_reader reader;
        struct bytes text = BYTES("before");
        ck_assert_int_eq(pack_open(&reader, rows[i]), 0);
        ck_assert_msg(pack_next(&reader, &text) == -1, "row %zu", i);
        ck_assert(bytes_is(text, "before"));
    }
}
END_TEST

START_TEST(counts_and_lengths_that_lie_are_refused)
{
    static const struct bytes rows[] = {
        BYTES("\xdd\xff\xff\xff\xff"),
        BYTES("\x9f"),
        BYTES("\x91\xdb\xff\xff\xff\xff"
              "a"),
        BYTES("\x91\xa5"
              "four"),
        BYTES("\x91\xc4\xff"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pack_reader reader;
        struct bytes text;
        ck_assert_int_eq(pack_open(&reader, rows[i]), 0);
        ck_assert_int_eq(pack_next(&reader, &text), -1);
    }
}
END_TEST

START_TEST(a_reader_that_failed_stays_failed)
{
    /* The second byte claims five bytes; read on behind it, `\xa1x` would look like
     * one. */
    struct pack_reader reader;
    struct bytes text;
    ck_assert_int_eq(pack_open(&reader, BYTES("\x92\xa5\xa1x")), 0);
    ck_assert_int_eq(pack_next(&reader, &text), -1);
    ck_assert_int_eq(pack_next(&reader, &text), -1);
}
END_TEST

SUITE("pack", every_form_of_array_and_string_is_read,
      strings_are_read_at_every_length_where_the_form_changes,
      a_body_cut_anywhere_is_refused_before_its_end_is_passed,
      what_is_no_array_is_refused, an_item_that_is_no_string_is_refused,
      counts_and_lengths_that_lie_are_refused, a_reader_that_failed_stays_failed)
