/* SPDX-License-Identifier: MIT */
/* What handlers may say of a job: each rule of an answer, and that a broken one has no
 * effect at all. */
#include "base/buf.h"
#include "schema/job_answer.h"
#include "schema/limits.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static struct job_answer read_text(const char *json)
{
    struct job_answer answer;
    struct err err = {0};
    ck_assert_msg(job_answer_read(&answer, bytes_of(json), &arena, &err) == LEAT_OK,
                  "%s: %s", json, err.text);
    return answer;
}

static void check_refused(const char *json, const char *reason)
{
    struct job_answer answer = {.end = ANSWER_LATER, .again_in_ms = 77};
    struct err err = {0};
    ck_assert_msg(job_answer_read(&answer, bytes_of(json), &arena, &err) == LEAT_EDATA,
                  "%.200s", json);
    ck_assert_msg(strstr(err.text, reason) != NULL, "%.200s: '%s', not '%s'", json,
                  err.text, reason);
    ck_assert_int_eq(answer.end, ANSWER_LATER);
    ck_assert_int_eq(answer.again_in_ms, 77);
}

/* The reason why an answer is refused, or NULL; takes it. */
static void check_made(struct buf *json, const char *reason)
{
    if (reason == NULL)
        read_text(buf_text(json));
    else
        check_refused(buf_text(json), reason);
    buf_fini(json);
    arena_fini(&arena);
}

/* The reason of an answer that is `head`, `count` times `item` with commas between, and
 * `tail`. `%d` in the item is its number. */
static void check_long(const char *head, const char *item, int count, const char *tail,
                       const char *reason)
{
    struct buf json = {0};
    buf_adds(&json, head);
    for (int i = 0; i < count; i++) {
        char text[256];
        const char *mark = strstr(item, "%d");
        int before = mark != NULL ? (int)(mark - item) : (int)strlen(item);
        snprintf(text, sizeof text, "%s%.*s", i > 0 ? "," : "", before, item);
        buf_adds(&json, text);
        if (mark != NULL) {
            buf_add_int(&json, i);
            buf_adds(&json, mark + 2);
        }
    }
    buf_adds(&json, tail);
    check_made(&json, reason);
}

/* The reason of an answer with `count` bytes between `head` and `tail`. */
static void check_sized(const char *head, size_t count, const char *tail,
                        const char *reason)
{
    struct buf json = {0};
    buf_adds(&json, head);
    memset(buf_reserve(&json, count), 'x', count);
    json.len += count;
    buf_adds(&json, tail);
    check_made(&json, reason);
}

/* ---- how a job ends ---------------------------------------------------------------- */

START_TEST(an_empty_answer_means_done)
{
    struct job_answer answer = read_text("{}");
    ck_assert(answer.is_end);
    ck_assert_int_eq(answer.end, ANSWER_DONE);
    ck_assert_uint_eq(answer.job.len + answer.result.len + answer.progress.len, 0);
    ck_assert_int_eq(answer.incr_count + answer.push_count, 0);
    answer = read_text(" { \"job\" : \"12\" } ");
    ck_assert(bytes_is(answer.job, "12"));
    ck_assert_int_eq(answer.end, ANSWER_DONE);
}
END_TEST

START_TEST(an_error_means_failed)
{
    struct job_answer answer = read_text("{\"error\":\"no \\\"disk\\\"\\n\"}");
    ck_assert_int_eq(answer.end, ANSWER_FAILED);
    ck_assert(bytes_is(answer.error, "no \"disk\"\n"));
    ck_assert_int_eq(answer.retry_in_ms, 0);
    answer = read_text("{\"error\":\"\",\"retry\":true,\"retry_in_ms\":5000}");
    ck_assert_int_eq(answer.end, ANSWER_FAILED);
    ck_assert_int_eq(answer.retry_in_ms, 5000);
    arena_fini(&arena);
}
END_TEST

START_TEST(an_error_without_retry_means_dead)
{
    struct job_answer answer = read_text("{\"error\":\"x\",\"retry\":false}");
    ck_assert(answer.is_end);
    ck_assert_int_eq(answer.end, ANSWER_DEAD);
}
END_TEST

START_TEST(again_means_later_and_no_failure)
{
    struct job_answer answer = read_text("{\"again_in_ms\":250}");
    ck_assert(answer.is_end);
    ck_assert_int_eq(answer.end, ANSWER_LATER);
    ck_assert_int_eq(answer.again_in_ms, 250);
    ck_assert_int_eq(read_text("{\"again_in_ms\":0}").end, ANSWER_LATER);
}
END_TEST

START_TEST(progress_alone_ends_nothing)
{
    struct job_answer answer = read_text("{\"job\":\"a\",\"progress\":{\"done\":5}}");
    ck_assert(!answer.is_end);
    ck_assert(bytes_is(answer.progress, "{\"done\":5}"));
    ck_assert(!read_text("{\"progress\":null}").is_end);
    ck_assert(!read_text("{\"progress\":1,\"unknown\":2}").is_end);
}
END_TEST

START_TEST(progress_that_breaks_a_rule_ends_nothing_either)
{
    static const struct {
        const char *json;
        int is_progress;
    } rows[] = {
        {"{\"job\":\"\",\"progress\":1}", 1},
        {"{\"progress\":1,\"other\":2}", 1},
        {"{\"progress\":1,\"error\":2}", 0},
        {"{\"progress\":1,\"retry\":2}", 0},
        {"{\"progress\":1,\"result\":2}", 0},
        {"{\"progress\":1,\"retry_in_ms\":\"\"}", 0},
        {"{\"progress\":1,\"incr\":2}", 0},
        {"{\"progress\":1,\"again_in_ms\":\"\"}", 0},
        {"{\"progress\":1,\"push\":2}", 0},
        {"{\"job\":2}", 0},
        {"{}", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct members members;
        ck_assert_int_eq(members_read(&members, bytes_of(rows[i].json), NULL), LEAT_OK);
        ck_assert_msg(job_answer_is_progress(&members) == rows[i].is_progress, "%s",
                      rows[i].json);
    }
}
END_TEST

START_TEST(progress_beside_an_end_is_the_last)
{
    ck_assert(read_text("{\"progress\":1,\"result\":null}").is_end);
    ck_assert(read_text("{\"progress\":1,\"error\":\"x\"}").is_end);
    ck_assert(read_text("{\"progress\":1,\"again_in_ms\":1}").is_end);
    ck_assert(read_text("{\"progress\":1,\"incr\":{}}").is_end);
    ck_assert(read_text("{\"progress\":1,\"push\":[]}").is_end);
}
END_TEST

START_TEST(what_contradicts_itself_is_refused)
{
    check_refused("{\"error\":\"x\",\"again_in_ms\":1}", "exclude each other");
    check_refused("{\"retry\":false}", "belong to an 'error'");
    check_refused("{\"retry\":true}", "belong to an 'error'");
    check_refused("{\"again_in_ms\":1,\"retry_in_ms\":1}", "belong to an 'error'");
    check_refused("{\"error\":\"x\",\"retry\":false,\"retry_in_ms\":1}", "of no use");
}
END_TEST

START_TEST(effects_belong_to_a_job_that_is_done)
{
    static const char reason[] = "belong to a job that is done";
    check_refused("{\"error\":\"x\",\"incr\":{\"a\":1}}", reason);
    check_refused("{\"error\":\"x\",\"push\":[]}", reason);
    check_refused("{\"error\":\"x\",\"result\":null}", reason);
    check_refused("{\"again_in_ms\":1,\"incr\":{\"a\":1}}", reason);
    check_refused("{\"again_in_ms\":1,\"result\":1}", reason);
}
END_TEST

START_TEST(unknown_members_are_ignored)
{
    struct job_answer answer = read_text("{\"x\":{\"error\":\"no\"},\"y\":[1]}");
    ck_assert_int_eq(answer.end, ANSWER_DONE);
}
END_TEST

START_TEST(members_of_another_kind_are_refused_by_name)
{
    check_refused("[]", "not a JSON object");
    check_refused("", "not JSON");
    check_refused("{\"error\":\"a\"}\n{}", "not JSON");
    check_refused("{\"error\":\"a\",\"error\":\"b\"}", "duplicate");
    check_refused("{\"job\":12}", "'job' must be a string, not 12");
    check_refused("{\"job\":\"\"}", "'job' has 0 bytes");
    check_refused("{\"error\":null}", "'error' must be a string, not null");
    check_refused("{\"error\":\"x\",\"retry\":0}", "'retry' must be true or false");
    check_refused("{\"error\":\"x\",\"retry_in_ms\":-1}", "'retry_in_ms' is -1");
    check_refused("{\"again_in_ms\":1.5}", "'again_in_ms' must be an integer");
    check_refused("{\"again_in_ms\":315576000001}", "'again_in_ms' is 315576000001");
    check_refused("{\"incr\":[]}", "'incr' must be an object");
    check_refused("{\"push\":{}}", "'push' must be an array");
}
END_TEST

/* ---- effects ----------------------------------------------------------------------- */

START_TEST(counters_are_read_with_their_names_decoded)
{
    struct job_answer answer =
        read_text("{\"incr\":{\"a\": 1 ,\"b\\u00e9\\\"\":-9007199254740992,\"c\":0}}");
    ck_assert_int_eq(answer.incr_count, 3);
    ck_assert(bytes_is(answer.incr[0].counter, "a"));
    ck_assert_int_eq(answer.incr[0].by, 1);
    ck_assert(bytes_is(answer.incr[1].counter, "b\xc3\xa9\""));
    ck_assert_int_eq(answer.incr[1].by, -LIMIT_BY);
    ck_assert_int_eq(answer.incr[2].by, 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(counters_that_are_none_are_refused)
{
    static const char reason[] = "'incr' adds integers from -2^53 to 2^53, not ";
    check_refused("{\"incr\":{\"\":1}}", "'incr' has a counter of 0 bytes");
    check_refused("{\"incr\":{\"a\":\"1\"}}", reason);
    check_refused("{\"incr\":{\"a\":1.0}}", reason);
    check_refused("{\"incr\":{\"a\":9007199254740993}}", reason);
    check_refused("{\"incr\":{\"a\":-9007199254740993}}", reason);
    check_refused("{\"incr\":{\"a\":1,\"\\u0061\":1}}", "duplicate");
    check_sized("{\"incr\":{\"", 1024, "\":1}}", NULL);
    check_sized("{\"incr\":{\"", 1025, "\":1}}", "'incr' has a counter of 1025 bytes");
    arena_fini(&arena);
}
END_TEST

START_TEST(more_than_64_counters_or_follow_ups_are_refused)
{
    static const char job[] = "{\"type\":\"t\",\"args\":%d}";
    check_long("{\"incr\":{", "\"c%d\":1", 64, "}}", NULL);
    check_long("{\"incr\":{", "\"c%d\":1", 65, "}}", "'incr' has more than 64 items");
    check_long("{\"push\":[", job, 64, "]}", NULL);
    check_long("{\"push\":[", job, 65, "]}", "'push' has more than 64 items");
    check_long("{\"push\":[", "1", 20000, "]}", "'push' has more than 64 items");
}
END_TEST

START_TEST(follow_ups_are_read_in_order)
{
    struct job_answer answer = read_text(
        "{\"push\":[{\"type\":\"a\",\"args\":1,\"id\":\"i\"},"
        "{\"type\":\"b\",\"args\":2,\"id\":\"k\",\"queue\":\"q\",\"in_ms\":9}]}");
    ck_assert_int_eq(answer.push_count, 2);
    ck_assert(
        bytes_is(answer.push[0].payload, "{\"type\":\"a\",\"args\":1,\"id\":\"i\"}"));
    ck_assert_uint_eq(answer.push[0].queue.len, 0);
    ck_assert(bytes_is(answer.push[1].queue, "q"));
    ck_assert_int_eq(answer.push[1].in_ms, 9);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_follow_up_that_is_no_job_is_refused_by_its_place)
{
    check_refused("{\"push\":[{\"type\":\"a\",\"args\":1},{\"args\":1}]}",
                  "'push' item 2: 'type' is missing");
    check_refused("{\"push\":[7]}", "'push' item 1: not a JSON object");
    arena_fini(&arena);
}
END_TEST

START_TEST(follow_ups_of_more_than_64_kib_are_refused)
{
    struct buf json = {0};
    for (int size = 32000; size <= 33000; size += 1000) {
        buf_reset(&json);
        for (int i = 0; i < 2; i++) {
            buf_adds(&json, i == 0 ? "{\"push\":[" : ",");
            buf_adds(&json, "{\"type\":\"t\",\"args\":\"");
            memset(buf_reserve(&json, (size_t)size), 'x', (size_t)size);
            json.len += (size_t)size;
            buf_adds(&json, "\"}");
        }
        buf_adds(&json, "]}");
        if (size == 32000)
            read_text(buf_text(&json));
        else
            check_refused(buf_text(&json),
                          "the jobs in 'push' have more than 65536 bytes");
    }
    buf_fini(&json);
    arena_fini(&arena);
}
END_TEST

START_TEST(sizes_end_at_their_limits)
{
    check_sized("{\"result\":\"", 65534, "\"}", NULL);
    check_sized("{\"result\":\"", 65535, "\"}",
                "'result' has 65537 bytes, the limit is 65536");
    check_sized("{\"progress\":\"", 1022, "\"}", NULL);
    check_sized("{\"progress\":\"", 1023, "\"}",
                "'progress' has 1025 bytes, the limit is 1024");
    check_sized("{\"error\":\"", LIMIT_ANSWER_BYTES - 12, "\"}", NULL);
    check_sized("{\"error\":\"", LIMIT_ANSWER_BYTES - 11, "\"}",
                "it has 131073 bytes, the limit is 131072");
}
END_TEST

SUITE("job_answer", an_empty_answer_means_done, an_error_means_failed,
      an_error_without_retry_means_dead, again_means_later_and_no_failure,
      progress_alone_ends_nothing, progress_that_breaks_a_rule_ends_nothing_either,
      progress_beside_an_end_is_the_last, what_contradicts_itself_is_refused,
      effects_belong_to_a_job_that_is_done, unknown_members_are_ignored,
      members_of_another_kind_are_refused_by_name,
      counters_are_read_with_their_names_decoded, counters_that_are_none_are_refused,
      more_than_64_counters_or_follow_ups_are_refused, follow_ups_are_read_in_order,
      a_follow_up_that_is_no_job_is_refused_by_its_place,
      follow_ups_of_more_than_64_kib_are_refused, sizes_end_at_their_limits)
