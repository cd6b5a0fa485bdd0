/* SPDX-License-Identifier: MIT */
/* The promise of members.h: the scanner never says yes where jansson says no, and both
 * see the same fields. tests/fuzz/fuzz_members.c holds them to it on texts nobody thought
 * of. */
#include "schema/members.h"
#include "base/buf.h"
#include "schema/json.h"
#include "schema/limits.h"
#include "suite.h"

#include <string.h>

#define BYTES(literal) ((struct bytes){literal, sizeof(literal) - 1})

static int read_quietly(struct members *members, struct bytes json)
{
    return members_read(members, json, NULL);
}

/* Whatever the scanner accepts, jansson must; whatever jansson accepts, reading must. */
static void check_one_verdict(struct bytes json)
{
    struct members members;
    int quick = members_scan(&members, json) == 0;
    int judge = json_check_object(json, NULL) == LEAT_OK;
    int read = read_quietly(&members, json) == LEAT_OK;
    ck_assert_msg(!quick || judge, "only the scanner accepts: %.*s", (int)json.len,
                  json.at);
    ck_assert_msg(read == judge, "read %d, jansson %d: %.*s", read, judge, (int)json.len,
                  json.at);
}

static void check_quick(const char *json, int want)
{
    struct members members;
    int quick = members_scan(&members, bytes_of(json)) == 0;
    ck_assert_msg(quick == want, "%s", json);
    check_one_verdict(bytes_of(json));
}

START_TEST(the_quick_pass_knows_what_nearly_every_job_looks_like)
{
    static const char *const rows[] = {
        "{}",
        " {\t\"a\" : 1 ,\r\n\"b\":[ ] , \"c\":{ } } ",
        "{\"type\":\"increment\",\"args\":{\"counter\":\"song:1\",\"by\":-1}}",
        "{\"a\":[1,-2,0,-0,1.5,-0.25,true,false,null,\"x\",[[]],{}]}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
        "{\"\":\"\"}",
        "{\"é\":\"日本語 😀 \x7f\"}",
        "{\"a\":999999999999999999}",
        "{\"a\":0.000000000000000001}",
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_quick(rows[i], 1);
}
END_TEST

START_TEST(the_unusual_is_left_to_jansson_and_read_all_the_same)
{
    static const char *const rows[] = {
        "{\"a\":\"\\u00e9\"}",
        "{\"\\u0061\":1}",
        "{\"a\\n\":1}",
        "{\"a\":1e3}",
        "{\"a\":1.5E-7}",
        "{\"a\":9223372036854775807}",
        "{\"a\":-9223372036854775808}",
        "{\"a\":0.0000000000000000000001}",
        "{\"a\":{\"0\":0,\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,"
        "\"9\":0,\"10\":0,\"11\":0,\"12\":0,\"13\":0,\"14\":0,\"15\":0,\"16\":0}}",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct members members;
        check_quick(rows[i], 0);
        ck_assert_int_eq(read_quietly(&members, bytes_of(rows[i])), LEAT_OK);
        ck_assert_int_eq(members.count, 1);
    }
}
END_TEST

START_TEST(what_is_no_json_object_is_refused_by_both)
{
    static const struct bytes rows[] = {
        {NULL, 0},
        BYTES(""),
        BYTES(" "),
        BYTES("{"),
        BYTES("}"),
        BYTES("[]"),
        BYTES("1"),
        BYTES("null"),
        BYTES("\"a\""),
        BYTES("{} {}"),
        BYTES("{}x"),
        BYTES("{}\0"),
        BYTES("\xef\xbb\xbf{}"),
        BYTES("{,}"),
        BYTES("{\"a\":1,}"),
        BYTES("{\"a\":[1,]}"),
        BYTES("{\"a\":[,1]}"),
        BYTES("{\"a\":[1 2]}"),
        BYTES("{\"a\" 1}"),
        BYTES("{\"a\"::1}"),
        BYTES("{\"a\":}"),
        BYTES("{a:1}"),
        BYTES("{'a':1}"),
        BYTES("{1:1}"),
        BYTES("{\"a\":01}"),
        BYTES("{\"a\":-01}"),
        BYTES("{\"a\":+1}"),
        BYTES("{\"a\":-}"),
        BYTES("{\"a\":1.}"),
        BYTES("{\"a\":.5}"),
        BYTES("{\"a\":1e}"),
        BYTES("{\"a\":0x1}"),
        BYTES("{\"a\":1e999}"),
        BYTES("{\"a\":9223372036854775808}"),
        BYTES("{\"a\":NaN}"),
        BYTES("{\"a\":Infinity}"),
        BYTES("{\"a\":tru}"),
        BYTES("{\"a\":truee}"),
        BYTES("{\"a\":True}"),
        BYTES("{\"a\":\"\\x\"}"),
        BYTES("{\"a\":\"\\\0\"}"),
        BYTES("{\"a\":\"\\u12\"}"),
        BYTES("{\"a\":\"\\u0000\"}"),
        BYTES("{\"a\":\"\\ud800\"}"),
        BYTES("{\"a\":\"\\ud800\\u0041\"}"),
        BYTES("{\"a\":\"\\udc00\"}"),
        BYTES("{\"a\":\"\n\"}"),
        BYTES("{\"a\":\"\x1f\"}"),
        BYTES("{\"a\":\"\0\"}"),
        BYTES("{\"a\":\"\xff\"}"),
        BYTES("{\"a\":\"\xc0\x80\"}"),
        BYTES("{\"a\":\"\xed\xa0\x80\"}"),
        BYTES("{\"\xff\":1}"),
        BYTES("{\"a\":\"x}"),
        BYTES("{\"a\":\"x\\\"}"),
        BYTES("{\"a\":1,\"a\":1}"),
        BYTES("{\"a\":1,\"\\u0061\":1}"),
        BYTES("{\"b\":{\"a\":1,\"a\":1}}"),
        BYTES("{\"b\":[{\"a\":1,\"x\":0,\"a\":1}]}"),
        BYTES("{\"a\":1}//"),
        BYTES("{/**/\"a\":1}"),
        BYTES("{\"a\":\v1}"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct members members;
        ck_assert_msg(members_scan(&members, rows[i]) == -1, "row %zu", i);
        ck_assert_msg(read_quietly(&members, rows[i]) == LEAT_EDATA, "row %zu", i);
    }
}
END_TEST

/* Nest `core` so that `open` stands `times` times around it, in an object. */
static int is_accepted(int times, const char *open, const char *core, const char *shut)
{
    struct buf json = {0};
    struct members members;
    buf_adds(&json, "{\"a\":");
    for (int i = 0; i < times; i++)
        buf_adds(&json, open);
    buf_adds(&json, core);
    for (int i = 0; i < times; i++)
        buf_adds(&json, shut);
    buf_addc(&json, '}');
    check_one_verdict(buf_bytes(&json));
    int accepted = read_quietly(&members, buf_bytes(&json)) == LEAT_OK;
    buf_fini(&json);
    return accepted;
}

START_TEST(nesting_ends_at_64_brackets_empty_or_not)
{
    static const struct {
        const char *open, *core, *shut;
        int inner; /* brackets that the core, or the innermost `open`, adds */
    } rows[] = {
        {"[", "1", "]", 0},        {"[", "\"x\"", "]", 0},
        {"{\"b\":", "1", "}", 0},  {"[", "[]", "]", 1},
        {"[", "{}", "]", 1},       {"{\"b\":", "[]", "}", 1},
        {"{\"b\":", "{}", "}", 1}, {"[", "[\"\\u0041\"]", "]", 1},
        {"[[],", "0", "]", 1},     {"[\"[[[\\\"[\",", "1", "]", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int times = 1; times < 2 * LIMIT_PAYLOAD_DEPTH; times++)
            ck_assert_int_eq(is_accepted(times, rows[i].open, rows[i].core, rows[i].shut),
                             1 + times + rows[i].inner <= LIMIT_PAYLOAD_DEPTH);
}
END_TEST

START_TEST(a_text_cut_anywhere_is_refused_without_reading_past_the_end)
{
    static const char whole[] =
        "{\"type\":\"a\\n\\u00e9 é\",\"args\":[1.5e3,-7,true,null,"
        "{\"x\":[]},999],\"id\":false}";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *cut = malloc(len > 0 ? len : 1);
        memcpy(cut, whole, len);
        struct members members;
        ck_assert_int_eq(read_quietly(&members, (struct bytes){cut, len}), LEAT_EDATA);
        free(cut);
    }
}
END_TEST

/* An object of `count` fields "0", "1", … */
static void make_object(struct buf *json, int count)
{
    buf_addc(json, '{');
    for (int i = 0; i < count; i++)
        buf_addf(json, "%s\"%d\":%d", i > 0 ? "," : "", i, i);
    buf_addc(json, '}');
}

START_TEST(up_to_64_fields_are_indexed)
{
    for (int count = 0; count <= MEMBERS_MAX + 2; count++) {
        struct buf json = {0};
        struct members members;
        struct err err = {0};
        make_object(&json, count);
        int code = members_read(&members, buf_bytes(&json), &err);
        if (count <= MEMBERS_MAX) {
            ck_assert_int_eq(code, LEAT_OK);
            ck_assert_int_eq(members.count, count);
        } else {
            ck_assert_int_eq(code, LEAT_EDATA);
            ck_assert_str_eq(err.text, "more than 64 fields");
        }
        buf_fini(&json);
    }
}
END_TEST

START_TEST(a_value_may_have_any_number_of_fields)
{
    struct buf json = {0};
    struct members members;
    buf_adds(&json, "{\"a\":");
    make_object(&json, 1000);
    buf_addc(&json, '}');
    ck_assert_int_eq(read_quietly(&members, buf_bytes(&json)), LEAT_OK);
    ck_assert_int_eq(members.count, 1);
    buf_fini(&json);
}
END_TEST

START_TEST(fields_are_views_of_the_text)
{
    static const struct {
        const char *name, *raw;
        enum member_kind kind;
    } rows[] = {
        {"s", "\"x\\ty\"", MEMBER_STRING}, {"i", "-12", MEMBER_INT},
        {"r", "1.50", MEMBER_REAL},        {"o", "{ \"a\" : [ ] }", MEMBER_OBJECT},
        {"l", "[ 1 , 2 ]", MEMBER_ARRAY},  {"t", "true", MEMBER_TRUE},
        {"f", "false", MEMBER_FALSE},      {"n", "null", MEMBER_NULL},
    };
    static const char *const jsons[] = {
        "{ \"s\" : \"x\\ty\" , \"i\" : -12 , \"r\" : 1.50 , \"o\" : { \"a\" : [ ] } ,"
        " \"l\" : [ 1 , 2 ] , \"t\" : true , \"f\" : false , \"n\" : null }",
        "{\"u\":\"\\u0041\",\"s\":\"x\\ty\",\"i\":-12,\"r\":1.50,\"o\":{ \"a\" : [ ] },"
        "\"l\":[ 1 , 2 ],\"t\":true,\"f\":false,\"n\":null}",
    };
    for (size_t k = 0; k < COUNT(jsons); k++) {
        struct members members;
        ck_assert_int_eq(read_quietly(&members, bytes_of(jsons[k])), LEAT_OK);
        for (size_t i = 0; i < COUNT(rows); i++) {
            const struct member *member = members_find(&members, rows[i].name);
            ck_assert_ptr_nonnull(member);
            ck_assert(bytes_is(member->raw, rows[i].raw));
            ck_assert_int_eq(member->kind, rows[i].kind);
        }
        ck_assert_ptr_null(members_find(&members, "a"));
        ck_assert_ptr_null(members_find(&members, ""));
    }
}
END_TEST

START_TEST(names_are_found_one_after_the_other_in_any_order)
{
    static const char *const orders[] = {"abc", "cba", "bac", "aa", "cxa", "xabxc"};
    struct members members;
    ck_assert_int_eq(read_quietly(&members, bytes_of("{\"a\":1,\"b\":2,\"c\":3}")), 0);
    for (size_t i = 0; i < COUNT(orders); i++) {
        int place = 0;
        for (const char *at = orders[i]; *at != '\0'; at++) {
            const char name[] = {*at, '\0'};
            ck_assert_ptr_eq(members_find_next(&members, name, &place),
                             *at == 'x' ? NULL : &members.at[*at - 'a']);
        }
    }
}
END_TEST

START_TEST(a_key_written_with_escapes_is_never_found)
{
    struct members members;
    ck_assert_int_eq(read_quietly(&members, bytes_of("{\"\\u0074ype\":1}")), LEAT_OK);
    ck_assert_int_eq(members.count, 1);
    ck_assert_ptr_null(members_find(&members, "type"));
}
END_TEST

static void check_text(const char *json, const char *want)
{
    struct arena arena = {0};
    struct members members;
    struct bytes text;
    ck_assert_int_eq(read_quietly(&members, bytes_of(json)), LEAT_OK);
    ck_assert_int_eq(member_text(&members.at[0], &arena, &text), 0);
    ck_assert_msg(bytes_is(text, want), "%s", json);
    arena_fini(&arena);
}

START_TEST(text_is_decoded_when_it_was_written_with_escapes)
{
    check_text("{\"a\":\"\"}", "");
    check_text("{\"a\":\"plain é\"}", "plain é");
    check_text("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t");
    check_text("{\"a\":\"\\u0041\\u00e9\\ud83d\\ude00\"}", "Aé😀");
}
END_TEST

START_TEST(what_is_no_string_has_no_text)
{
    static const char *const rows[] = {"1", "1.5", "true", "null", "{}", "[\"a\"]"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf json = {0};
        struct members members;
        struct bytes text = bytes_of("before");
        buf_addf(&json, "{\"a\":%s}", rows[i]);
        ck_assert_int_eq(read_quietly(&members, buf_bytes(&json)), LEAT_OK);
        ck_assert_int_eq(member_text(&members.at[0], NULL, &text), -1);
        ck_assert(bytes_is(text, "before"));
        buf_fini(&json);
    }
}
END_TEST

START_TEST(integers_are_exact_to_the_limits_of_int64)
{
    static const struct {
        const char *json;
        int64_t number;
    } rows[] = {
        {"{\"a\":9223372036854775807}", INT64_MAX},
        {"{\"a\":-9223372036854775808}", INT64_MIN},
        {"{\"a\":9007199254740993}", INT64_C(9007199254740993)},
        {"{\"a\":-0}", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct members members;
        int64_t number = 1;
        ck_assert_int_eq(read_quietly(&members, bytes_of(rows[i].json)), LEAT_OK);
        ck_assert_int_eq(member_int(&members.at[0], &number), 0);
        ck_assert_int_eq(number, rows[i].number);
    }
}
END_TEST

START_TEST(what_is_no_integer_has_no_number)
{
    static const char *const rows[] = {"{\"a\":1.0}",  "{\"a\":1e3}",  "{\"a\":\"1\"}",
                                       "{\"a\":true}", "{\"a\":null}", "{\"a\":[1]}"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct members members;
        int64_t number = 1234;
        ck_assert_int_eq(read_quietly(&members, bytes_of(rows[i])), LEAT_OK);
        ck_assert_int_eq(member_int(&members.at[0], &number), -1);
        ck_assert_int_eq(number, 1234);
    }
}
END_TEST

SUITE("members", the_quick_pass_knows_what_nearly_every_job_looks_like,
      the_unusual_is_left_to_jansson_and_read_all_the_same,
      what_is_no_json_object_is_refused_by_both, nesting_ends_at_64_brackets_empty_or_not,
      a_text_cut_anywhere_is_refused_without_reading_past_the_end,
      up_to_64_fields_are_indexed, a_value_may_have_any_number_of_fields,
      fields_are_views_of_the_text, names_are_found_one_after_the_other_in_any_order,
      a_key_written_with_escapes_is_never_found,
      text_is_decoded_when_it_was_written_with_escapes, what_is_no_string_has_no_text,
      integers_are_exact_to_the_limits_of_int64, what_is_no_integer_has_no_number)
