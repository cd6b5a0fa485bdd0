/* SPDX-License-Identifier: MIT */
#include "schema/failure.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static void check_is(struct bytes got, const char *want)
{
    ck_assert_msg(bytes_is(got, want), "'%.*s' is not '%s'", (int)got.len, got.at, want);
}

static struct failure read_good(const char *record)
{
    struct failure failure;
    ck_assert_msg(failure_read(&failure, bytes_of(record)) == 0, "%s", record);
    return failure;
}

START_TEST(a_record_is_split_into_its_fields)
{
    struct failure failure = read_good("1795266000001 d 13\nR1 a.7 1 26 t=5 e=no%20luck\n"
                                       "{\"type\":\"x\"}\n");
    ck_assert_int_eq(failure.at_ms, 1795266000001);
    ck_assert(failure.is_death);
    ck_assert(!failure.is_cut);
    ck_assert_int_eq(failure.payload_bytes, 13);
    check_is(failure.entry.iid, "a.7");
    ck_assert_int_eq(failure.entry.fails, 26);
    check_is(failure.entry.error, "no%20luck");
    check_is(failure.entry.payload, "{\"type\":\"x\"}\n");
    check_is(failure.raw, "R1 a.7 1 26 t=5 e=no%20luck\n{\"type\":\"x\"}\n");
    ck_assert(!read_good("1 r 1\nR1 a 0 1\nx").is_death);
    check_is(failure.out, "");
    check_is(failure.err, "");
}
END_TEST

START_TEST(tails_stand_behind_what_was_kept_of_the_payload)
{
    static const struct {
        const char *record, *raw, *out, *err;
        int is_cut;
    } rows[] = {
        {"1 r 2 3 4\nR1 a 0 1\n{}outlast", "R1 a 0 1\n{}", "out", "last", 0},
        {"1 d 2 0 4\nR1 a 0 1\n{}last", "R1 a 0 1\n{}", "", "last", 0},
        {"1 d 2 3 0\nR1 a 0 1\n{}out", "R1 a 0 1\n{}", "out", "", 0},
        {"1 r 2 0 0\nR1 a 0 1\n{}", "R1 a 0 1\n{}", "", "", 0},
        {"1 d 9 1 1\nR1 a 0 1\n{}oe", "R1 a 0 1\n{}", "o", "e", 1},
        {"1 d 2 9 0\nR1 a 0 1\n{}R1 b 0 1\n", "R1 a 0 1\n{}", "R1 b 0 1\n", "", 0},
        {"1 r 0 1 1\nR1 a 0 1\n\xff\n", "R1 a 0 1\n", "\xff", "\n", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct failure failure = read_good(rows[i].record);
        check_is(failure.raw, rows[i].raw);
        check_is(failure.out, rows[i].out);
        check_is(failure.err, rows[i].err);
        ck_assert_int_eq(failure.is_cut, rows[i].is_cut);
    }
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    static const char *const rows[] = {
        "",
        "1",
        "1 r",
        "1 r 1",
        "1 r 1\n",
        "1 r 1\nx",
        "1 r 1\nR1 a 0\nx",
        "x r 1\nR1 a 0 1\nx",
        "1 x 1\nR1 a 0 1\nx",
        "1 rd 1\nR1 a 0 1\nx",
        "1 r x\nR1 a 0 1\nx",
        "1 r 1 1\nR1 a 0 1\nx",
        "1 r 1 \nR1 a 0 1\nx",
        "1 r 1 1 \nR1 a 0 1\nxx",
        "1 r 1 0 0 0\nR1 a 0 1\nx",
        "1 r 1 -1 1\nR1 a 0 1\nxx",
        "1 r 1 1 -1\nR1 a 0 1\nxx",
        "1 r 1 a 1\nR1 a 0 1\nxx",
        "1 r 1 0 13\nR1 a 0 1\nx",
        "1 r 1 6 6\nR1 a 0 1\nx",
        "1 r 1 9223372036854775807 1\nR1 a 0 1\nx",
        "1 r 1 1 18446744073709551615\nR1 a 0 1\nx",
        " r 1\nR1 a 0 1\nx",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct failure failure = {.at_ms = -7};
        ck_assert_msg(failure_read(&failure, bytes_of(rows[i])) == -1, "%s", rows[i]);
        ck_assert_int_eq(failure.at_ms, -7);
    }
}
END_TEST

START_TEST(a_cut_payload_ends_with_a_whole_character)
{
    static const struct {
        const char *kept, *want;
    } rows[] = {
        {"abc", "abc"},
        {"ab\xc3", "ab"},
        {"ab\xc3\xa9", "ab\xc3\xa9"},
        {"ab\xe2\x82", "ab"},
        {"ab\xf0\x9f\x98", "ab"},
        {"ab\xf0\x9f", "ab"},
        {"\x80\x80\x80\x80", "\x80\x80\x80\x80"},
        {"", ""},
        {"ab\xf0\x9f\x98\x80", "ab\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char record[64];
        snprintf(record, sizeof record, "1 r 2000\nR1 a 0 1\n%s", rows[i].kept);
        struct failure failure = read_good(record);
        ck_assert(failure.is_cut);
        check_is(failure.entry.payload, rows[i].want);
    }
}
END_TEST

static void check_named(const char *payload, int64_t payload_bytes, const char *type,
                        const char *id)
{
    char record[400];
    struct arena arena = {0};
    struct bytes got_type, got_id;
    snprintf(record, sizeof record, "1 r %lld\nR1 a 0 1\n%s", (long long)payload_bytes,
             payload);
    struct failure failure = read_good(record);
    failure_name(&failure, &arena, &got_type, &got_id);
    check_is(got_type, type);
    check_is(got_id, id);
    arena_fini(&arena);
}

START_TEST(type_and_id_are_found_in_what_was_kept)
{
    const char *whole = "{\"\\u0061rgs\":{},\"type\":\"mail\",\"args\":1,\"id\":\"i-1\"}";
    check_named(whole, (int64_t)strlen(whole), "mail", "i-1");
    check_named("{\"type\":\"mail\",\"id\":\"7\",\"args\":\"xx", 5000, "mail", "7");
    check_named("{ \"args\" : {\"type\":\"in\\\"ner\"}, \"type\" :\n\"m\", \"x", 5000,
                "m", "");
    check_named("{\"args\":[\"type\",\"type\"],\"type\":\"m\"", 5000, "m", "");
    check_named("{\"args\":\"type\",\"a\":\"id\"", 5000, "", "");
    check_named("{\"type\":\"cut of", 5000, "", "");
    check_named("{\"type\":\"\\u0061\",\"id\":\"7\"", 5000, "", "7");
    check_named("{\"type\":7,\"id\":", 5000, "", "");
    check_named("not json", 8, "", "");
}
END_TEST

SUITE("failure", a_record_is_split_into_its_fields,
      tails_stand_behind_what_was_kept_of_the_payload, what_is_no_record_is_refused,
      a_cut_payload_ends_with_a_whole_character, type_and_id_are_found_in_what_was_kept)
