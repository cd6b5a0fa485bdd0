/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "suite.h"

#include <string.h>

START_TEST(a_zeroed_buf_is_an_empty_text)
{
    struct buf buf = {0};
    ck_assert_str_eq(buf_text(&buf), "");
    ck_assert_ptr_nonnull(buf_bytes(&buf).at);
    ck_assert_uint_eq(buf_bytes(&buf).len, 0);
    buf_reset(&buf);
    buf_fini(&buf);
}
END_TEST

START_TEST(what_is_appended_is_terminated_at_every_length)
{
    struct buf buf = {0};
    for (size_t len = 1; len <= 3000; len++) {
        buf_addc(&buf, (char)('a' + len % 26));
        ck_assert_uint_eq(strlen(buf_text(&buf)), len);
        ck_assert_uint_eq(buf.len, len);
    }
    for (size_t i = 0; i < 3000; i++)
        ck_assert_int_eq(buf.data[i], (char)('a' + (i + 1) % 26));
    buf_fini(&buf);
}
END_TEST

START_TEST(bytes_with_nul_are_kept)
{
    struct buf buf = {0};
    buf_add(&buf, "a\0b", 3);
    buf_add(&buf, NULL, 0);
    ck_assert(bytes_equal(buf_bytes(&buf), (struct bytes){"a\0b", 3}));
    buf_fini(&buf);
}
END_TEST

START_TEST(reserved_room_can_be_filled_to_its_last_byte)
{
    struct buf buf = {0};
    buf_adds(&buf, "head");
    memset(buf_reserve(&buf, 1000), 'x', 1000);
    ck_assert_uint_eq(buf.len, 4);
    buf.len += 1000;
    buf_adds(&buf, "!");
    ck_assert_uint_eq(strspn(buf_text(&buf) + 4, "x"), 1000);
    ck_assert_uint_eq(buf.len, 1005);
    buf_fini(&buf);
}
END_TEST

START_TEST(formatted_text_of_any_length_fits)
{
    struct buf buf = {0};
    buf_addf(&buf, "%s", "");
    ck_assert_str_eq(buf_text(&buf), "");
    buf_addf(&buf, "<%5000d>", 7);
    ck_assert_uint_eq(strlen(buf_text(&buf)), 5002);
    buf_fini(&buf);
}
END_TEST

START_TEST(numbers_are_written_up_to_the_limits_of_int64)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {{0, "0"},
                {7, "7"},
                {10, "10"},
                {99, "99"},
                {100, "100"},
                {1009, "1009"},
                {-1, "-1"},
                {-100, "-100"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf buf = {0};
        buf_add_int(&buf, rows[i].number);
        ck_assert_str_eq(buf_text(&buf), rows[i].text);
        buf_fini(&buf);
    }
}
END_TEST

START_TEST(reset_forgets_the_text_and_keeps_the_memory)
{
    struct buf buf = {0};
    buf_adds(&buf, "something");
    size_t size = buf.size;
    buf_reset(&buf);
    ck_assert_str_eq(buf_text(&buf), "");
    ck_assert_uint_eq(buf.size, size);
    buf_fini(&buf);
    ck_assert_uint_eq(buf.size, 0);
}
END_TEST

SUITE("buf", a_zeroed_buf_is_an_empty_text,
      what_is_appended_is_terminated_at_every_length, bytes_with_nul_are_kept,
      reserved_room_can_be_filled_to_its_last_byte, formatted_text_of_any_length_fits,
      numbers_are_written_up_to_the_limits_of_int64,
      reset_forgets_the_text_and_keeps_the_memory)
