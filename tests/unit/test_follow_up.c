/* SPDX-License-Identifier: MIT */
/* Jobs that follow others: what is taken out of them, what is added, and what a result
 * does to their args. */
#include "base/buf.h"
#include "base/clock.h"
#include "schema/envelope.h"
#include "schema/follow_up.h"
#include "schema/limits.h"
#include "schema/then.h"
#include "schema/uuid.h"
#include "suite.h"

#include <string.h>

static struct arena arena;

static struct follow_up read_text(const char *json)
{
    struct follow_up follow_up;
    struct err err = {0};
    ck_assert_msg(follow_up_read(&follow_up, bytes_of(json), &arena, &err) == LEAT_OK,
                  "%s: %s", json, err.text);
    return follow_up;
}

static void check_refused(const char *json, const char *reason)
{
    struct follow_up follow_up = {.in_ms = 77};
    struct err err = {0};
    ck_assert_msg(follow_up_read(&follow_up, bytes_of(json), &arena, &err) == LEAT_EDATA,
                  "%.200s", json);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%.200s: '%s'", json, err.text);
    ck_assert_int_eq(follow_up.in_ms, 77);
    arena_fini(&arena);
}

/* ---- where and when ---------------------------------------------------------------- */

START_TEST(only_its_target_is_taken_out_and_all_else_stays)
{
    struct follow_up follow_up = read_text(
        "{\"queue\":\"q.1\", \"type\" : \"t\",\"in_ms\":5,\"args\":{ \"a\":1.50 },"
        "\n\"x\\u0079\":[ 1 ],\"id\":\"i\"}");
    ck_assert(bytes_is(follow_up.queue, "q.1"));
    ck_assert_int_eq(follow_up.in_ms, 5);
    ck_assert_int_eq(follow_up.at_ms, 0);
    ck_assert(bytes_is(follow_up.payload, "{\"type\":\"t\",\"args\":{ \"a\":1.50 },"
                                          "\"x\\u0079\":[ 1 ],\"id\":\"i\"}"));
    arena_fini(&arena);
}
END_TEST

START_TEST(without_a_target_it_goes_to_its_own_queue_now)
{
    struct follow_up follow_up = read_text("{\"type\":\"t\",\"args\":0,\"id\":\"i\"}");
    ck_assert_uint_eq(follow_up.queue.len, 0);
    ck_assert_int_eq(follow_up.in_ms + follow_up.at_ms, 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(an_id_is_made_when_there_is_none)
{
    struct envelope envelope;
    struct follow_up a = read_text("{\"type\":\"t\",\"args\":0}");
    struct follow_up b = read_text("{\"args\":0,\"in_ms\":1,\"type\":\"t\"}");
    ck_assert_int_eq(envelope_read(&envelope, a.payload, &arena, NULL), LEAT_OK);
    int64_t made_ms = uuid_time_ms(envelope.id);
    ck_assert(made_ms > 0 && clock_wall_ms() - made_ms < 60000);
    struct bytes first = envelope.id;
    ck_assert_int_eq(envelope_read(&envelope, b.payload, &arena, NULL), LEAT_OK);
    ck_assert_int_ge(uuid_time_ms(envelope.id), made_ms);
    ck_assert(!bytes_equal(first, envelope.id));
    arena_fini(&arena);
}
END_TEST

START_TEST(only_what_is_tracked_has_an_id_for_its_record)
{
    struct follow_up tracked =
        read_text("{\"type\":\"t\",\"args\":0,\"id\":\"i\",\"track\":true}");
    struct follow_up made = read_text("{\"type\":\"t\",\"args\":0,\"track\":true}");
    struct follow_up not_tracked =
        read_text("{\"type\":\"t\",\"args\":0,\"id\":\"i\",\"track\":false}");
    ck_assert(bytes_is(tracked.tracked_id, "i"));
    ck_assert_uint_eq(made.tracked_id.len, UUID_CHARS);
    ck_assert_uint_eq(not_tracked.tracked_id.len, 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_broken_target_is_refused)
{
    check_refused("{\"type\":\"t\",\"args\":0,\"queue\":\"\"}", "'queue' has 0 bytes");
    check_refused("{\"type\":\"t\",\"args\":0,\"queue\":\"a b\"}", "'queue' has a char");
    check_refused("{\"type\":\"t\",\"args\":0,\"queue\":\"{a}\"}", "'queue' has a char");
    check_refused("{\"type\":\"t\",\"args\":0,\"queue\":7}", "'queue' must be a string");
    check_refused("{\"type\":\"t\",\"args\":0,\"in_ms\":-1}", "'in_ms' is -1");
    check_refused("{\"type\":\"t\",\"args\":0,\"in_ms\":315576000001}", "'in_ms' is");
    check_refused("{\"type\":\"t\",\"args\":0,\"at_ms\":-1}", "'at_ms' is -1");
    check_refused("{\"type\":\"t\",\"args\":0,\"at_ms\":9223372036854775807}",
                  "'at_ms' is more than ten years ahead");
    check_refused("{\"type\":\"t\",\"args\":0,\"at_ms\":1,\"in_ms\":1}",
                  "exclude each other");
}
END_TEST

START_TEST(what_is_no_job_is_refused)
{
    check_refused("{}", "'type' is missing");
    check_refused("{\"queue\":\"q\"}", "'type' is missing");
    check_refused("{\"type\":\"t\"}", "'args' is missing");
    check_refused("[]", "not a JSON object");
    check_refused("{\"type\":\"t\",\"args\":0,\"then\":{\"type\":\"u\"}}",
                  "'then': 'args' is missing");
}
END_TEST

START_TEST(the_id_counts_for_the_size_of_a_payload)
{
    struct buf json = {0};
    struct follow_up follow_up;
    struct err err = {0};
    buf_adds(&json, "{\"type\":\"t\",\"args\":\"");
    size_t more = LIMIT_PAYLOAD_BYTES - json.len - 2;
    memset(buf_reserve(&json, more), 'x', more);
    json.len += more;
    buf_adds(&json, "\"}");
    ck_assert_int_eq(follow_up_read(&follow_up, buf_bytes(&json), &arena, &err),
                     LEAT_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "payload has 65580 bytes"));
    buf_fini(&json);
    arena_fini(&arena);
}
END_TEST

/* ---- then -------------------------------------------------------------------------- */

/* What the args of a `then` become; `want` NULL: they are refused. */
static void check_args(const char *args, const char *result, const char *want)
{
    struct buf then = {0};
    struct follow_up made;
    struct envelope envelope;
    struct err err = {0};
    buf_addf(&then, "{\"args\":%s,\"type\":\"t\",\"id\":\"i\"}", args);
    ck_assert_msg(then_make(&made, buf_bytes(&then), bytes_of(result), &arena, &err) ==
                      LEAT_OK,
                  "%s: %s", args, err.text);
    ck_assert_int_eq(envelope_read(&envelope, made.payload, &arena, NULL), LEAT_OK);
    ck_assert_msg(bytes_is(envelope.args, want), "%s with %s: %.*s, not %s", args, result,
                  (int)envelope.args.len, envelope.args.at, want);
    buf_fini(&then);
    arena_fini(&arena);
}

START_TEST(the_result_takes_the_place_of_its_name)
{
    check_args("\"$result\"", "{ \"a\" : 1.0 }", "{ \"a\" : 1.0 }");
    check_args("{\"a\": \"$result\",\"b\":[1, \"$result\"]}", "\"x\"",
               "{\"a\": \"x\",\"b\":[1, \"x\"]}");
    check_args("[\"\\u0024result\",\"$res\\u0075lt\"]", "7", "[7,7]");
}
END_TEST

START_TEST(a_path_takes_a_member_of_the_result)
{
    static const char result[] =
        "{\"a\":{\"b\":[1,{}], \"\":2},\"\\u00e9\":3,\"x.y\":4,\"n\":null}";
    check_args("\"$result.a.b\"", result, "[1,{}]");
    check_args("\"$result.a.\"", result, "2");
    check_args("\"$result.\xc3\xa9\"", result, "3");
    check_args("\"$result.\\u00e9\"", result, "3");
    check_args("\"$result.n\"", result, "null");
    check_args("[\"$result.a.b\",\"$result.\xc3\xa9\"]", result, "[[1,{}],3]");
}
END_TEST

START_TEST(what_is_not_there_is_null)
{
    check_args("[\"$result\",\"$result.a\"]", "", "[null,null]");
    check_args("\"$result.b\"", "{\"a\":1}", "null");
    check_args("\"$result.a.b\"", "{\"a\":1}", "null");
    check_args("\"$result.0\"", "[1]", "null");
    check_args("\"$result.\"", "{\"a\":1}", "null");
    check_args("\"$result.a\"", "\"a\"", "null");
}
END_TEST

START_TEST(any_field_of_a_large_result_is_found)
{
    struct buf result = {0};
    buf_addc(&result, '{');
    for (int i = 0; i < 200; i++)
        buf_addf(&result, "\"k%d\":%d,", i, i);
    buf_adds(&result, "\"last\":\"yes\"}");
    check_args("\"$result.last\"", buf_text(&result), "\"yes\"");
    buf_fini(&result);
}
END_TEST

START_TEST(a_dollar_more_means_the_text_itself)
{
    check_args("[\"$$result\",\"$$$result.a\",\"$$results\"]", "1",
               "[\"$result\",\"$$result.a\",\"$results\"]");
    check_args("[\"\\u0024$result\",\"$\\u0024result\"]", "1",
               "[\"$result\",\"\\u0024result\"]");
}
END_TEST

START_TEST(other_strings_and_keys_stay_as_they_are)
{
    static const char args[] =
        "{\"$result\" : 1,\"$result.a\":{\"$$result\" :2},\"x\":\"a $result\","
        "\"y\":\"$results\",\"z\":\"$\",\"w\":\"$$\",\"q\":\"\\\"$result\",\"v\":\"$x\"}";
    check_args(args, "5", args);
    check_args("0", "5", "0");
}
END_TEST

START_TEST(only_args_are_filled_and_a_then_waits_for_its_turn)
{
    struct follow_up made;
    struct err err = {0};
    const char *then = "{\"type\":\"t\",\"queue\":\"q\",\"in_ms\":3,\"args\":\"$result\","
                       "\"id\":\"i\",\"x\":\"$result\","
                       "\"then\":{\"type\":\"u\",\"args\":\"$result\"}}";
    ck_assert_msg(then_make(&made, bytes_of(then), bytes_of("1"), &arena, &err) ==
                      LEAT_OK,
                  "%s", err.text);
    ck_assert(bytes_is(made.queue, "q"));
    ck_assert_int_eq(made.in_ms, 3);
    ck_assert(bytes_is(made.payload,
                       "{\"type\":\"t\",\"args\":1,\"id\":\"i\",\"x\":\"$result\","
                       "\"then\":{\"type\":\"u\",\"args\":\"$result\"}}"));
    arena_fini(&arena);
}
END_TEST

static void check_not_made(const char *args, const char *result, const char *reason)
{
    struct buf then = {0};
    struct follow_up made = {.in_ms = 77};
    struct err err = {0};
    buf_addf(&then, "{\"type\":\"t\",\"args\":%s}", args);
    ck_assert_int_eq(then_make(&made, buf_bytes(&then), bytes_of(result), &arena, &err),
                     LEAT_EDATA);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%s", err.text);
    ck_assert_int_eq(made.in_ms, 77);
    buf_fini(&then);
    arena_fini(&arena);
}

START_TEST(a_result_that_makes_it_too_large_is_refused)
{
    struct buf result = {0};
    buf_addc(&result, '"');
    memset(buf_reserve(&result, 40000), 'x', 40000);
    result.len += 40000;
    buf_adds(&result, "\"");
    check_not_made("[\"$result\",\"$result\"]", buf_text(&result),
                   "with the result it has more than 65536 bytes");
    buf_fini(&result);
}
END_TEST

START_TEST(a_result_that_makes_it_too_deep_is_refused)
{
    char result[128] = {0};
    memset(result, '[', 60);
    memset(result + 60, ']', 60);
    check_not_made("[[[[\"$result\"]]]]", result, "nested 65 deep");
}
END_TEST

static int check_then(const char *then, struct err *err)
{
    return then_check(bytes_of(then), &arena, err);
}

START_TEST(a_chain_is_checked_to_its_end)
{
    struct err err = {0};
    ck_assert_int_eq(
        check_then("{\"type\":\"t\",\"args\":0,\"then\":{\"type\":\"u\",\"args\":1}}",
                   &err),
        LEAT_OK);
    ck_assert_int_eq(check_then("{\"type\":\"t\",\"args\":0,\"then\":"
                                "{\"type\":\"u\",\"args\":1,\"queue\":\"/\"}}",
                                &err),
                     LEAT_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "'then': 'queue' has a character"));
    arena_fini(&arena);
}
END_TEST

START_TEST(more_than_64_uses_of_the_result_are_refused)
{
    for (int count = 64; count <= 65; count++) {
        struct buf then = {0};
        struct err err = {0};
        buf_adds(&then, "{\"type\":\"t\",\"args\":[");
        for (int i = 0; i < count; i++)
            buf_adds(&then, "\"$result.a\",\"$$result\",");
        buf_adds(&then, "0]}");
        ck_assert_int_eq(check_then(buf_text(&then), &err),
                         count == 64 ? LEAT_OK : LEAT_EDATA);
        ck_assert(count == 64 || strstr(err.text, "more than 64 times") != NULL);
        buf_fini(&then);
    }
    arena_fini(&arena);
}
END_TEST

SUITE("follow_up", only_its_target_is_taken_out_and_all_else_stays,
      without_a_target_it_goes_to_its_own_queue_now, an_id_is_made_when_there_is_none,
      only_what_is_tracked_has_an_id_for_its_record, a_broken_target_is_refused,
      what_is_no_job_is_refused, the_id_counts_for_the_size_of_a_payload,
      the_result_takes_the_place_of_its_name, a_path_takes_a_member_of_the_result,
      what_is_not_there_is_null, any_field_of_a_large_result_is_found,
      a_dollar_more_means_the_text_itself, other_strings_and_keys_stay_as_they_are,
      only_args_are_filled_and_a_then_waits_for_its_turn,
      a_result_that_makes_it_too_large_is_refused,
      a_result_that_makes_it_too_deep_is_refused, a_chain_is_checked_to_its_end,
      more_than_64_uses_of_the_result_are_refused)
