/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "suite.h"

#include <string.h>

/* A literal with all its bytes, NUL included. */
#define BYTES(literal) ((struct bytes){literal, sizeof(literal) - 1})

START_TEST(whole_numbers_are_read_up_to_the_limits_of_int64)
{
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"-7", -7},
        {"0042", 42},
        {"9007199254740993", INT64_C(9007199254740993)},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775807", -INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-00009223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 1234;
        ck_assert_msg(text_to_int(bytes_of(rows[i].text), &number) == 0, "%s",
                      rows[i].text);
        ck_assert_int_eq(number, rows[i].number);
    }
}
END_TEST

START_TEST(what_is_no_int64_is_refused_and_leaves_the_output_alone)
{
    static const struct bytes rows[] = {
        BYTES(""),
        BYTES("-"),
        BYTES("--1"),
        BYTES("+1"),
        BYTES(" 1"),
        BYTES("1 "),
        BYTES("1\n"),
        BYTES("1.0"),
        BYTES("1e3"),
        BYTES("0x10"),
        BYTES("1\0"),
        BYTES("\xd9\xa1"),
        BYTES("9223372036854775808"),
        BYTES("-9223372036854775809"),
        BYTES("9223372036854775810"),
        BYTES("18446744073709551616"),
        BYTES("99999999999999999999999999999999999999"),
        {NULL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 1234;
        ck_assert_msg(text_to_int(rows[i], &number) == -1, "row %zu", i);
        ck_assert_int_eq(number, 1234);
    }
}
END_TEST

START_TEST(a_number_ends_where_its_bytes_end)
{
    int64_t number;
    ck_assert_int_eq(text_to_int((struct bytes){"123456", 3}, &number), 0);
    ck_assert_int_eq(number, 123);
}
END_TEST

START_TEST(durations_are_read_in_every_unit)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0ms", 0},
        {"250ms", 250},
        {"10s", 10000},
        {"5m", 300000},
        {"1.5h", 5400000},
        {"2d", 172800000},
        {"0.25s", 250},
        {"0.6ms", 1},
        {"007s", 7000},
        {"1.s", 1000},
        {"31536000s", INT64_C(31536000000)},
        {"104166666d", INT64_C(8999999942400000)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = -1;
        ck_assert_msg(text_to_duration_ms(rows[i].text, &ms) == 0, "%s", rows[i].text);
        ck_assert_int_eq(ms, rows[i].ms);
    }
}
END_TEST

START_TEST(durations_without_unit_or_sense_are_refused)
{
    static const char *const rows[] = {
        "",           "10",
        "s",          "ms",
        ".5s",        "-1s",
        "+1s",        " 1s",
        "1 s",        "1s ",
        "1ss",        "1S",
        "1w",         "1h30m",
        "1..5s",      "1.2.3s",
        "nans",       "infd",
        "1nans",      "0x10s",
        "0x5m",       "1e3s",
        "1e300d",     "1e-9s",
        "1,5h",       "9000000000000001ms",
        "104166667d", "99999999999999999999999999999999999999999d",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 1234;
        ck_assert_msg(text_to_duration_ms(rows[i], &ms) == -1, "%s", rows[i]);
        ck_assert_int_eq(ms, 1234);
    }
}
END_TEST

START_TEST(times_are_read_as_unix_seconds_or_rfc_3339)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"@0", 0},
        {"@1700000000", INT64_C(1700000000000)},
        {"1970-01-01T00:00:00Z", 0},
        {"2023-11-14T22:13:20Z", INT64_C(1700000000000)},
        {"2023-11-14T23:13:20+01:00", INT64_C(1700000000000)},
        {"2023-11-14T17:43:20-04:30", INT64_C(1700000000000)},
        {"2023-11-14T22:13:20.5Z", INT64_C(1700000000500)},
        {"2023-11-14T22:13:20.007999999+00:00", INT64_C(1700000000007)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)}, /* a leap second */
        {"1969-12-31T23:59:59Z", -1000},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = -1;
        ck_assert_msg(text_to_time_ms(rows[i].text, &ms) == 0, "%s", rows[i].text);
        ck_assert_msg(ms == rows[i].ms, "%s: %lld", rows[i].text, (long long)ms);
    }
}
END_TEST

START_TEST(times_that_name_no_instant_are_refused)
{
    static const char *const rows[] = {
        "",
        "@",
        "@-1",
        "@1.5",
        "@9223372036854775807",
        "@ 1",
        "1700000000",
        "tomorrow",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13Z",
        "2023-11-14 22:13:20Z",
        " 2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20Z ",
        "2023-11-14T22:13:20 Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+0100",
        "2023-11-14T22:13:20+01",
        "2023-11-14T22:13:20+01:99",
        "2023-11-14T22:13:20+99:00",
        "2023-11-14T24:13:20Z",
        "2023-11-14T22:60:20Z",
        "2023-13-14T22:13:20Z",
        "2023-00-14T22:13:20Z",
        "2023-02-29T00:00:00Z",
        "2023-02-31T00:00:00Z",
        "2023-11-31T00:00:00Z",
        "2023-1-1T1:1:1Z",
        "23-11-14T22:13:20Z",
        "12023-11-14T22:13:20Z",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 1234;
        ck_assert_msg(text_to_time_ms(rows[i], &ms) == -1, "%s", rows[i]);
        ck_assert_int_eq(ms, 1234);
    }
}
END_TEST

START_TEST(well_formed_utf8_is_known)
{
    static const struct bytes rows[] = {
        BYTES(""),
        BYTES("plain"),
        BYTES("\0"),
        BYTES("\xc2\x80"),
        BYTES("\xdf\xbf"),
        BYTES("\xe0\xa0\x80"),
        BYTES("\xed\x9f\xbf"),
        BYTES("\xee\x80\x80"),
        BYTES("\xef\xbf\xbf"),
        BYTES("\xf0\x90\x80\x80"),
        BYTES("\xf4\x8f\xbf\xbf"),
        BYTES("日本語 😀 é"),
        {NULL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(text_is_utf8(rows[i]), "row %zu", i);
}
END_TEST

START_TEST(overlong_cut_and_surrogate_sequences_are_no_utf8)
{
    static const struct bytes rows[] = {
        BYTES("\x80"),
        BYTES("\xbf"),
        BYTES("\xc0\x80"),
        BYTES("\xc1\xbf"),
        BYTES("\xc2"),
        BYTES("\xc2\x41"),
        BYTES("\xe0\x80\x80"),
        BYTES("\xe0\x9f\xbf"),
        BYTES("\xe1\x80"),
        BYTES("\xe1\x80\x41"),
        BYTES("\xed\xa0\x80"),
        BYTES("\xed\xbf\xbf"),
        BYTES("\xf0\x80\x80\x80"),
        BYTES("\xf0\x8f\xbf\xbf"),
        BYTES("\xf0\x90\x80"),
        BYTES("\xf4\x90\x80\x80"),
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xff"),
        BYTES("\xfe\xff"),
        BYTES("ok\xf0\x9f\x98"),
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(!text_is_utf8(rows[i]), "row %zu", i);
}
END_TEST

START_TEST(a_sequence_cut_by_the_end_is_not_completed_from_behind_it)
{
    ck_assert(!text_is_utf8((struct bytes){"\xc3\xa9", 1}));
    ck_assert(!text_is_utf8((struct bytes){"\xf0\x9f\x98\x80", 3}));
}
END_TEST

static int keep_all(unsigned char c)
{
    (void)c;
    return 1;
}

static int keep_none(unsigned char c)
{
    (void)c;
    return 0;
}

static void check_round_trip(int (*keep)(unsigned char))
{
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct bytes before = {all, sizeof all};
    struct buf escaped = {0}, decoded = {0};
    text_percent_escape(&escaped, before, keep);
    ck_assert_int_eq(text_percent_decode(&decoded, buf_bytes(&escaped)), 0);
    ck_assert(bytes_equal(buf_bytes(&decoded), before));
    buf_fini(&escaped);
    buf_fini(&decoded);
}

START_TEST(percent_escapes_give_back_every_byte)
{
    check_round_trip(keep_all);
    check_round_trip(keep_none);
}
END_TEST

START_TEST(a_percent_sign_is_escaped_even_where_it_may_be_kept)
{
    struct buf out = {0};
    text_percent_escape(&out, bytes_of("50%,a"), keep_all);
    ck_assert_str_eq(buf_text(&out), "50%25,a");
    buf_fini(&out);
}
END_TEST

START_TEST(a_broken_percent_escape_is_refused_and_adds_nothing)
{
    static const char *const rows[] = {"%",     "%4",   "ab%", "ab%z", "ab%4", "%zz",
                                       "ab%4z", "%%41", "% 1", "%-1",  "%+1",  "%0x"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        buf_adds(&out, "kept");
        ck_assert_msg(text_percent_decode(&out, bytes_of(rows[i])) == -1, "%s", rows[i]);
        ck_assert_str_eq(buf_text(&out), "kept");
        buf_fini(&out);
    }
}
END_TEST

START_TEST(percent_escapes_are_read_in_either_case)
{
    struct buf out = {0};
    ck_assert_int_eq(text_percent_decode(&out, bytes_of("%4a%4A%c3%A9+")), 0);
    ck_assert_str_eq(buf_text(&out), "JJ\xc3\xa9+");
    buf_fini(&out);
}
END_TEST

START_TEST(a_glob_is_escaped_so_that_it_matches_itself_alone)
{
    struct buf out = {0};
    text_glob_escape(&out, (struct bytes){"a*b?[c]\\^-\0é", 13});
    ck_assert_str_eq(buf_text(&out), "a\\*b\\?\\[c\\]\\\\\\^\\-");
    ck_assert_uint_eq(out.len, 13 + 7);
    buf_fini(&out);
}
END_TEST

START_TEST(json_of_several_lines_becomes_one_line_of_the_same_json)
{
    struct buf out = {0};
    buf_adds(&out, "a\n");
    text_json_line(&out, bytes_of("{\"a\":\r\n [1,\n2, \"\\n\"]}"));
    ck_assert_str_eq(buf_text(&out), "a\n{\"a\":   [1, 2, \"\\n\"]}");
    buf_fini(&out);
}
END_TEST

START_TEST(json_strings_escape_what_json_forbids_and_no_more)
{
    static const struct {
        struct bytes text;
        const char *json;
    } rows[] = {
        {BYTES(""), "\"\""},
        {BYTES("a/b é 😀"), "\"a/b é 😀\""},
        {BYTES("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {BYTES("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
        {BYTES("a\xff"
               "b"),
         "\"a\xef\xbf\xbd"
         "b\""},
        {BYTES("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {BYTES("cut \xf0\x9f\x98"), "\"cut \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        text_json_string(&out, rows[i].text);
        ck_assert_str_eq(buf_text(&out), rows[i].json);
        buf_fini(&out);
    }
}
END_TEST

static void check_printable(struct bytes text, size_t max, const char *want)
{
    struct buf out = {0};
    text_printable(&out, text, max);
    ck_assert_str_eq(buf_text(&out), want);
    buf_fini(&out);
}

START_TEST(printable_text_holds_nothing_that_moves_a_terminal)
{
    check_printable(BYTES("plain \"quoted\" é"), 100, "plain \"quoted\" é");
    check_printable(BYTES("a\nb\x1b[2J\0\x7f"), 100, "a\\x0ab\\x1b[2J\\x00\\x7f");
    check_printable(BYTES("\xff\xc3"), 100, "\\xff\\xc3");
    /* C1: U+009B is a control sequence introducer too. */
    check_printable(BYTES("\xc2\x9b"
                          "2J\xc2\xa0"),
                    100, "\\xc2\\x9b2J\xc2\xa0");
}
END_TEST

START_TEST(printable_text_holds_nothing_that_reorders_it)
{
    check_printable(BYTES("a\u202eb\u202cc\u061cd\u200fe\u2028f\u2066g\u2069"), 100,
                    "a\\xe2\\x80\\xaeb\\xe2\\x80\\xacc\\xd8\\x9cd\\xe2\\x80\\x8fe"
                    "\\xe2\\x80\\xa8f\\xe2\\x81\\xa6g\\xe2\\x81\\xa9");
    check_printable(BYTES("\u05e9\u05dc\u05d5\u05dd\u2010\u202f\u2065\u206a😀"), 100,
                    "\u05e9\u05dc\u05d5\u05dd\u2010\u202f\u2065\u206a😀");
}
END_TEST

START_TEST(printable_text_is_cut_between_characters)
{
    check_printable(BYTES("abc"), 3, "abc");
    check_printable(BYTES("abcd"), 3, "abc…");
    check_printable(BYTES("abé"), 3, "ab…");
    check_printable(BYTES("abé"), 4, "abé");
    check_printable(BYTES("x"), 0, "…");
    check_printable(BYTES(""), 0, "");
}
END_TEST

START_TEST(durations_are_written_in_the_two_largest_units)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0ms"},
        {850, "850ms"},
        {999, "999ms"},
        {1000, "1s"},
        {12999, "12s"},
        {60000, "1m"},
        {200000, "3m20s"},
        {18000000, "5h"},
        {18059000, "5h"},
        {18060000, "5h1m"},
        {172800000, "2d"},
        {180000000, "2d2h"},
        {INT64_MAX, "106751991167d7h"},
        {-5, "-5ms"},
        {INT64_MIN, "-9223372036854775808ms"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        text_duration(&out, rows[i].ms);
        ck_assert_str_eq(buf_text(&out), rows[i].text);
        buf_fini(&out);
    }
}
END_TEST

SUITE("text", whole_numbers_are_read_up_to_the_limits_of_int64,
      what_is_no_int64_is_refused_and_leaves_the_output_alone,
      a_number_ends_where_its_bytes_end, durations_are_read_in_every_unit,
      durations_without_unit_or_sense_are_refused,
      times_are_read_as_unix_seconds_or_rfc_3339, times_that_name_no_instant_are_refused,
      well_formed_utf8_is_known, overlong_cut_and_surrogate_sequences_are_no_utf8,
      a_sequence_cut_by_the_end_is_not_completed_from_behind_it,
      percent_escapes_give_back_every_byte,
      a_percent_sign_is_escaped_even_where_it_may_be_kept,
      a_broken_percent_escape_is_refused_and_adds_nothing,
      percent_escapes_are_read_in_either_case,
      a_glob_is_escaped_so_that_it_matches_itself_alone,
      json_of_several_lines_becomes_one_line_of_the_same_json,
      json_strings_escape_what_json_forbids_and_no_more,
      printable_text_holds_nothing_that_moves_a_terminal,
      printable_text_holds_nothing_that_reorders_it,
      printable_text_is_cut_between_characters,
      durations_are_written_in_the_two_largest_units)
