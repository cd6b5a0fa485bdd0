/* SPDX-License-Identifier: MIT */
#include "schema/entry.h"
#include "schema/limits.h"
#include "suite.h"

#include <string.h>

#define BYTES(literal) ((struct bytes){literal, sizeof(literal) - 1})

static void check_is(struct bytes got, const char *want)
{
    ck_assert_msg(bytes_is(got, want), "'%.*s' is not '%s'", (int)got.len, got.at, want);
}

START_TEST(a_payload_without_header_is_a_bare_entry)
{
    static const char *const rows[] = {"",
                                       "R",
                                       "R1",
                                       "{\"type\":\"x\"}",
                                       "R2 a 0 0\nx",
                                       "r1 a 0 0\nx",
                                       " R1 a 0 0\nx",
                                       "R1\na 0 0\nx"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry;
        ck_assert_int_eq(entry_read(&entry, bytes_of(rows[i])), 0);
        ck_assert_uint_eq(entry.iid.len, 0);
        check_is(entry.payload, rows[i]);
    }
}
END_TEST

START_TEST(a_header_is_split_into_its_fields)
{
    struct entry entry;
    ck_assert_int_eq(
        entry_read(&entry, bytes_of("R1 w1.7 3 12 t=1700000000123 e=time-out%20x k=c:9f "
                                    "z=new\n{\"a\":\"\\n\"}\nR1 x")),
        0);
    check_is(entry.iid, "w1.7");
    ck_assert_int_eq(entry.deliveries, 3);
    ck_assert_int_eq(entry.fails, 12);
    ck_assert_int_eq(entry.first_seen_ms, INT64_C(1700000000123));
    check_is(entry.error, "time-out%20x");
    check_is(entry.slot, "c:9f");
    check_is(entry.tokens, "t=1700000000123 e=time-out%20x k=c:9f z=new");
    check_is(entry.payload, "{\"a\":\"\\n\"}\nR1 x");
}
END_TEST

START_TEST(the_shortest_header_leaves_the_rest_unknown)
{
    struct entry entry;
    ck_assert_int_eq(entry_read(&entry, bytes_of("R1 i 0 0\n")), 0);
    check_is(entry.iid, "i");
    ck_assert_int_eq(entry.first_seen_ms, 0);
    ck_assert_uint_eq(entry.error.len + entry.slot.len + entry.payload.len, 0);
}
END_TEST

START_TEST(a_payload_may_hold_any_bytes)
{
    struct entry entry;
    ck_assert_int_eq(entry_read(&entry, BYTES("R1 i 0 0\n\0\xff\n\0")), 0);
    ck_assert(bytes_equal(entry.payload, BYTES("\0\xff\n\0")));
}
END_TEST

START_TEST(what_begins_as_a_header_and_is_none_is_refused)
{
    static const struct bytes rows[] = {
        BYTES("R1 "),
        BYTES("R1 \n"),
        BYTES("R1 i\n{}"),
        BYTES("R1 i 0\n{}"),
        BYTES("R1 i 0 0"),
        BYTES("R1 i 0 0 t=1 e=x{}"),
        BYTES("R1  0 0\n{}"),
        BYTES("R1 i  0 0\n{}"),
        BYTES("R1 i 0  0\n{}"),
        BYTES("R1 i -1 0\n{}"),
        BYTES("R1 i 0 -1\n{}"),
        BYTES("R1 i -0 0\n{}"),
        BYTES("R1 i 1.5 0\n{}"),
        BYTES("R1 i one 0\n{}"),
        BYTES("R1 i 0 0x1\n{}"),
        BYTES("R1 i 1000000001 0\n{}"),
        BYTES("R1 i 0 9223372036854775807\n{}"),
        BYTES("R1 i 0 99999999999999999999\n{}"),
        BYTES("R1 i 0 0 t=\n{}"),
        BYTES("R1 i 0 0 t=soon\n{}"),
        BYTES("R1 i 0 0 t=-5\n{}"),
        BYTES("R1 i 0 0 t=99999999999999999999\n{}"),
        BYTES("R1 i 0\0 0\n{}"),
        BYTES(
            "R1 0123456789012345678901234567890123456789012345678901234567890123x 0 0\n"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry;
        ck_assert_msg(entry_read(&entry, rows[i]) == -1, "row %zu", i);
        ck_assert(bytes_equal(entry.payload, rows[i]));
    }
}
END_TEST

START_TEST(a_header_cut_anywhere_is_refused_without_reading_past_the_end)
{
    struct bytes whole = BYTES("R1 w1.7 3 12 t=1700000000123 e=%20 k=c:9f z=new\n");
    for (size_t len = 0; len < whole.len; len++) {
        char *cut = malloc(len > 0 ? len : 1);
        memcpy(cut, whole.at, len);
        struct entry entry;
        ck_assert_int_eq(entry_read(&entry, (struct bytes){cut, len}), len < 3 ? 0 : -1);
        free(cut);
    }
}
END_TEST

/* An entry whose header, newline included, is `len` bytes long. */
static void make_entry(struct buf *out, size_t len)
{
    buf_adds(out, "R1 i 4 0 z=");
    size_t fill = len - out->len - 1;
    memset(buf_reserve(out, fill), 'z', fill);
    out->len += fill;
    buf_adds(out, "\n{}");
}

START_TEST(a_header_line_is_read_up_to_2048_bytes)
{
    struct entry entry;
    struct buf longest = {0}, longer = {0};
    make_entry(&longest, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&longest)), 0);
    check_is(entry.payload, "{}");
    make_entry(&longer, LIMIT_HEADER_BYTES + 1);
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&longer)), -1);
    buf_fini(&longest);
    buf_fini(&longer);
}
END_TEST

START_TEST(a_slot_beyond_its_limit_is_refused)
{
    struct buf raw = {0};
    buf_addf(&raw, "R1 i 0 0 k=%0*d\n", LIMIT_SLOT_BYTES, 7);
    struct entry entry;
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&raw)), 0);
    buf_reset(&raw);
    buf_addf(&raw, "R1 i 0 0 k=%0*d\n", LIMIT_SLOT_BYTES + 1, 7);
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&raw)), -1);
    buf_fini(&raw);
}
END_TEST

/* Write the header of `raw` again with one more fail. */
static const char *rewrite(struct buf *out, const char *raw, const char *error)
{
    struct entry entry;
    ck_assert_int_eq(entry_read(&entry, bytes_of(raw)), 0);
    entry.fails++;
    buf_reset(out);
    entry_write_header(out, &entry, error);
    return buf_text(out);
}

START_TEST(a_header_is_written_as_it_is_read)
{
    struct buf out = {0};
    ck_assert_str_eq(rewrite(&out, "R1 i 0 0\n{}", NULL), "R1 i 0 1");
    ck_assert_str_eq(rewrite(&out, "R1 i 2 9 t=5 e=x k=s\n{}", NULL),
                     "R1 i 2 10 t=5 e=x k=s");
    ck_assert_str_eq(rewrite(&out, "R1 i 2 9 t=5 e=x k=s\n{}", "y"),
                     "R1 i 2 10 t=5 e=y k=s");
    ck_assert_str_eq(rewrite(&out, "R1 i 2 9\n{}", ""), "R1 i 2 10 e=");
    buf_fini(&out);
}
END_TEST

START_TEST(tokens_of_other_versions_travel_on)
{
    struct buf out = {0};
    ck_assert_str_eq(rewrite(&out, "R1 i 0 0 a=1 t=5  flag u=9 e=x tt=3 =\n{}", NULL),
                     "R1 i 0 1 t=5 e=x a=1 flag u=9 tt=3 =");
    buf_fini(&out);
}
END_TEST

START_TEST(an_error_stays_one_word_and_can_be_read_back)
{
    static const char error[] = "line one\nline two\t100% \x7f é \x01";
    struct buf out = {0}, plain = {0};
    struct entry entry;
    rewrite(&out, "R1 i 0 0 z=1\n", error);
    buf_adds(&out, "\n{}");
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&out)), 0);
    check_is(entry.payload, "{}");
    entry_decode_error(&plain, entry.error);
    ck_assert_str_eq(buf_text(&plain), error);
    buf_fini(&out);
    buf_fini(&plain);
}
END_TEST

START_TEST(a_long_error_is_cut_between_escapes)
{
    char error[400];
    for (size_t plain = 0; plain < 4; plain++) {
        memset(error, ' ', sizeof error - 1);
        memset(error, 'x', plain);
        error[sizeof error - 1] = '\0';
        struct buf out = {0};
        struct bytes escaped = bytes_of(rewrite(&out, "R1 i 0 0\n", error) + 11);
        ck_assert_uint_le(escaped.len, LIMIT_ERROR_BYTES);
        ck_assert_uint_gt(escaped.len, LIMIT_ERROR_BYTES - 3);
        struct buf decoded = {0};
        entry_decode_error(&decoded, escaped);
        ck_assert(strncmp(buf_text(&decoded), error, decoded.len) == 0);
        ck_assert_ptr_null(strchr(buf_text(&decoded), '%'));
        buf_fini(&decoded);
        buf_fini(&out);
    }
}
END_TEST

START_TEST(an_error_with_a_broken_escape_is_shown_as_it_stands)
{
    struct buf out = {0};
    entry_decode_error(&out, bytes_of("half%20done%zz"));
    ck_assert_str_eq(buf_text(&out), "half%20done%zz");
    buf_fini(&out);
}
END_TEST

START_TEST(what_can_be_read_can_be_written_and_read_again)
{
    /* The worst of every field: the line may grow and still has to stay within its
     * limit. */
    struct buf raw = {0}, out = {0};
    buf_addf(&raw, "R1 %064d 1000000000 999999999 t=9223372036854775807 k=%0*d", 1,
             LIMIT_SLOT_BYTES, 2);
    while (raw.len + 5 < LIMIT_HEADER_BYTES)
        buf_adds(&raw, " z=1");
    buf_adds(&raw, "\n{}");
    char error[1000];
    memset(error, '\n', sizeof error - 1);
    error[sizeof error - 1] = '\0';
    rewrite(&out, buf_text(&raw), error);
    ck_assert_uint_lt(out.len, LIMIT_HEADER_BYTES);
    buf_adds(&out, "\n{}");
    struct entry entry;
    ck_assert_int_eq(entry_read(&entry, buf_bytes(&out)), 0);
    ck_assert_int_eq(entry.fails, 1000000000);
    ck_assert_uint_eq(entry.slot.len, LIMIT_SLOT_BYTES);
    ck_assert_uint_gt(entry.error.len, 250);
    buf_fini(&raw);
    buf_fini(&out);
}
END_TEST

START_TEST(an_error_that_came_too_long_is_cut_when_it_is_written)
{
    struct buf raw = {0}, out = {0};
    buf_addf(&raw, "R1 i 0 0 e=%01000d\n", 0);
    rewrite(&out, buf_text(&raw), NULL);
    ck_assert_uint_eq(out.len, strlen("R1 i 0 1 e=") + LIMIT_ERROR_BYTES);
    buf_fini(&raw);
    buf_fini(&out);
}
END_TEST

SUITE("entry", a_payload_without_header_is_a_bare_entry,
      a_header_is_split_into_its_fields, the_shortest_header_leaves_the_rest_unknown,
      a_payload_may_hold_any_bytes, what_begins_as_a_header_and_is_none_is_refused,
      a_header_cut_anywhere_is_refused_without_reading_past_the_end,
      a_header_line_is_read_up_to_2048_bytes, a_slot_beyond_its_limit_is_refused,
      a_header_is_written_as_it_is_read, tokens_of_other_versions_travel_on,
      an_error_stays_one_word_and_can_be_read_back, a_long_error_is_cut_between_escapes,
      an_error_with_a_broken_escape_is_shown_as_it_stands,
      what_can_be_read_can_be_written_and_read_again,
      an_error_that_came_too_long_is_cut_when_it_is_written)
