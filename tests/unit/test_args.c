/* SPDX-License-Identifier: MIT */
/* What accepted args say; which are refused, and why, is in test_vectors.c. */
#include "schema/args.h"
#include "suite.h"

#include <string.h>

static struct arena arena;

static struct increment_args increment(const char *json)
{
    struct increment_args args;
    struct err err = {0};
    ck_assert_msg(increment_args_read(&args, bytes_of(json), &arena, &err) == LEAT_OK,
                  "%s: %s", json, err.text);
    return args;
}

static struct refresh_args refresh(const char *json)
{
    struct refresh_args args;
    struct err err = {0};
    ck_assert_msg(refresh_args_read(&args, bytes_of(json), &arena, &err) == LEAT_OK,
                  "%s: %s", json, err.text);
    return args;
}

START_TEST(an_increment_adds_one_unless_it_says_otherwise)
{
    ck_assert_int_eq(increment("{\"counter\":\"a\"}").by, 1);
    ck_assert_int_eq(increment("{\"counter\":\"a\",\"by\":0}").by, 0);
    ck_assert_int_eq(increment("{\"counter\":\"a\",\"by\":-7}").by, -7);
    ck_assert_int_eq(increment("{\"counter\":\"a\",\"by\":9007199254740992}").by,
                     LIMIT_BY);
    ck_assert_int_eq(increment("{\"counter\":\"a\",\"by\":-9007199254740992}").by,
                     -LIMIT_BY);
}
END_TEST

START_TEST(a_counters_name_is_decoded)
{
    ck_assert(bytes_is(increment("{\"counter\":\"song:1\"}").counter, "song:1"));
    ck_assert(bytes_is(increment("{\"counter\":\"a\\n\\u00e9\"}").counter, "a\né"));
    arena_fini(&arena);
}
END_TEST

START_TEST(a_lease_of_the_largest_increments_fits_an_int64)
{
    ck_assert_int_lt(LIMIT_BY, INT64_MAX / LIMIT_LEASE_JOBS);
}
END_TEST

START_TEST(refused_args_leave_the_output_alone)
{
    struct increment_args one = {.by = 77};
    struct refresh_args other = {.timeout_ms = 77};
    ck_assert_int_eq(increment_args_read(&one, bytes_of("{\"by\":2}"), &arena, NULL),
                     LEAT_EDATA);
    ck_assert_int_eq(one.by, 77);
    ck_assert_int_eq(
        refresh_args_read(&other,
                          bytes_of("{\"url\":\"http://a/\",\"headers\":{\"a\":1}}"),
                          &arena, NULL),
        LEAT_EDATA);
    ck_assert_int_eq(other.timeout_ms, 77);
}
END_TEST

START_TEST(a_refresh_has_its_defaults_and_its_url_as_key)
{
    struct refresh_args args = refresh("{\"url\":\"http://example.org/\"}");
    ck_assert(bytes_is(args.url, "http://example.org/"));
    ck_assert(bytes_is(args.key, "http://example.org/"));
    ck_assert_int_eq(args.max_age_ms, 3600000);
    ck_assert_int_eq(args.stale_max_ms, 604800000);
    ck_assert_int_eq(args.timeout_ms, 10000);
    ck_assert_int_eq(args.header_count, 0);
}
END_TEST

START_TEST(every_field_of_a_refresh_is_read)
{
    struct refresh_args args =
        refresh("{\"url\":\"https:\\/\\/example.org\\/\",\"key\":\"k\",\"max_age_ms\":0,"
                "\"stale_max_ms\":1000,\"timeout_ms\":1,"
                "\"headers\":{\"Accept\":\"a b\\\\\",\"X-Empty\":\"\"}}");
    ck_assert(bytes_is(args.url, "https://example.org/"));
    ck_assert(bytes_is(args.key, "k"));
    ck_assert_int_eq(args.max_age_ms, 0);
    ck_assert_int_eq(args.stale_max_ms, 1000);
    ck_assert_int_eq(args.timeout_ms, 1);
    ck_assert_int_eq(args.header_count, 2);
    ck_assert_str_eq(args.headers[0], "Accept: a b\\");
    ck_assert_str_eq(args.headers[1], "X-Empty: ");
    arena_fini(&arena);
}
END_TEST

START_TEST(a_refused_header_or_url_is_shown_on_one_line)
{
    static const char *const rows[] = {
        "{\"url\":\"ftp://a\\r\\n\\u001b[2J\"}",
        "{\"url\":\"http://a/\",\"headers\":{\"a\x7f\xc2\x9b\":\"x\"}}",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct refresh_args args;
        struct err err = {0};
        ck_assert_int_eq(refresh_args_read(&args, bytes_of(rows[i]), &arena, &err),
                         LEAT_EDATA);
        for (const char *at = err.text; *at != '\0'; at++)
            ck_assert_msg(*at >= 0x20 && *at < 0x7f, "%s", err.text);
    }
    arena_fini(&arena);
}
END_TEST

SUITE("args", an_increment_adds_one_unless_it_says_otherwise, a_counters_name_is_decoded,
      a_lease_of_the_largest_increments_fits_an_int64,
      refused_args_leave_the_output_alone, a_refresh_has_its_defaults_and_its_url_as_key,
      every_field_of_a_refresh_is_read, a_refused_header_or_url_is_shown_on_one_line)
