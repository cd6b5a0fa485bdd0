/* SPDX-License-Identifier: MIT */
/* What an accepted envelope says; which are refused, and why, is in test_vectors.c. */
#include "schema/envelope.h"
#include "suite.h"

#include <string.h>

static struct arena arena;

static struct envelope read_text(const char *json)
{
    struct envelope envelope;
    struct err err = {0};
    ck_assert_msg(envelope_read(&envelope, bytes_of(json), &arena, &err) == LEAT_OK,
                  "%s: %s", json, err.text);
    return envelope;
}

START_TEST(fields_that_are_absent_have_their_defaults)
{
    struct envelope envelope = read_text("{\"type\":\"x\",\"args\":null}");
    ck_assert_int_eq(envelope.version, 1);
    ck_assert(bytes_is(envelope.type, "x"));
    ck_assert(bytes_is(envelope.args, "null"));
    ck_assert_uint_eq(envelope.id.len + envelope.retry.len, 0);
    ck_assert_int_eq(envelope.timeout_ms, 0);
    ck_assert_int_eq(envelope.expires_at_ms, 0);
    ck_assert_int_eq(envelope.track, 0);
}
END_TEST

START_TEST(every_field_is_read)
{
    struct envelope envelope =
        read_text("{\"v\":2,\"type\":\"a.b_c:d-e\",\"id\":\"i1\",\"args\": [ 1, 2 ] ,"
                  "\"retry\":{\"max\":3},\"timeout_ms\":3600000,\"expires_at_ms\":5,"
                  "\"track\":true,\"traceparent\":\"tp\",\"tracestate\":\"ts\"}");
    ck_assert_int_eq(envelope.version, 2);
    ck_assert(bytes_is(envelope.type, "a.b_c:d-e"));
    ck_assert(bytes_is(envelope.id, "i1"));
    ck_assert(bytes_is(envelope.args, "[ 1, 2 ]"));
    ck_assert(bytes_is(envelope.retry, "{\"max\":3}"));
    ck_assert_int_eq(envelope.timeout_ms, 3600000);
    ck_assert_int_eq(envelope.expires_at_ms, 5);
    ck_assert_int_eq(envelope.track, 1);
    ck_assert(bytes_is(envelope.traceparent, "tp"));
    ck_assert(bytes_is(envelope.tracestate, "ts"));
}
END_TEST

START_TEST(args_are_the_very_bytes_of_the_payload)
{
    static const char payload[] = "{\"type\":\"x\",\"args\":{ \"a\" : \"\\u00e9\" }}";
    struct envelope envelope = read_text(payload);
    ck_assert_ptr_eq(envelope.args.at, strchr(payload + 1, '{'));
    ck_assert(bytes_is(envelope.args, "{ \"a\" : \"\\u00e9\" }"));
}
END_TEST

START_TEST(a_type_written_with_escapes_is_decoded)
{
    struct envelope envelope = read_text("{\"type\":\"\\u0069nc\",\"args\":0}");
    ck_assert(bytes_is(envelope.type, "inc"));
    arena_fini(&arena);
}
END_TEST

START_TEST(a_message_is_one_short_line_whatever_was_sent)
{
    struct err err = {0};
    struct envelope envelope;
    struct buf json = {0};
    buf_adds(&json, "{\"type\":\"x\",\"args\":0,\"timeout_ms\":\"\\n\x7f\xc2\x9b");
    for (int i = 0; i < 1000; i++)
        buf_adds(&json, "é");
    buf_adds(&json, "\"}");
    ck_assert_int_eq(envelope_read(&envelope, buf_bytes(&json), &arena, &err),
                     LEAT_EDATA);
    ck_assert_uint_lt(strlen(err.text), 140);
    ck_assert_ptr_nonnull(strstr(err.text, "not \"\\n\\x7f\\xc2\\x9b"));
    ck_assert_ptr_nonnull(strstr(err.text, "é…"));
    buf_fini(&json);
}
END_TEST

static struct backoff policy_of(const char *retry, const struct backoff *fallback)
{
    struct envelope envelope = {.retry = bytes_of(retry)};
    struct backoff policy;
    struct err err = {0};
    ck_assert_msg(envelope_backoff(&envelope, fallback, &policy, &err) == LEAT_OK,
                  "%s: %s", retry, err.text);
    return policy;
}

START_TEST(without_retry_the_types_own_policy_holds)
{
    struct backoff policy = policy_of("", &backoff_default);
    ck_assert_int_eq(policy.retries_max, 25);
    ck_assert_int_eq(policy.base_ms, 2000);
    ck_assert_int_eq(policy.cap_ms, 86400000);
    policy = policy_of("{}", &backoff_default);
    ck_assert_int_eq(policy.kind, BACKOFF_EXPONENTIAL);
    ck_assert_int_eq(policy.retries_max, 25);
}
END_TEST

START_TEST(retry_replaces_only_what_it_names)
{
    struct backoff policy =
        policy_of("{\"max\":0,\"factor\":1.5,\"cap_ms\":9}", &backoff_default);
    ck_assert_int_eq(policy.retries_max, 0);
    ck_assert_double_eq(policy.factor, 1.5);
    ck_assert_int_eq(policy.cap_ms, 9);
    ck_assert_int_eq(policy.base_ms, 2000);
    policy = policy_of("{\"policy\":\"fixed\",\"base_ms\":7}", &backoff_default);
    ck_assert_int_eq(policy.kind, BACKOFF_FIXED);
    ck_assert_int_eq(policy.base_ms, 7);
}
END_TEST

START_TEST(a_list_of_delays_is_a_policy_of_its_own)
{
    struct backoff policy = policy_of("{\"list_ms\":[ 5 ,\n70,1]}", &backoff_default);
    ck_assert_int_eq(policy.kind, BACKOFF_LIST);
    ck_assert_int_eq(policy.list_count, 3);
    ck_assert_int_eq(policy.list_ms[0], 5);
    ck_assert_int_eq(policy.list_ms[1], 70);
    ck_assert_int_eq(policy.list_ms[2], 1);
    policy = policy_of("{\"list_ms\":[9],\"policy\":\"fixed\"}", &backoff_default);
    ck_assert_int_eq(policy.kind, BACKOFF_FIXED);
}
END_TEST

START_TEST(a_list_may_come_from_the_types_own_policy)
{
    struct backoff own = {BACKOFF_LIST, .retries_max = 2, .list_ms = {11},
                          .list_count = 1};
    own.cap_ms = 100;
    struct backoff policy = policy_of("{\"policy\":\"list\",\"max\":4}", &own);
    ck_assert_int_eq(policy.retries_max, 4);
    ck_assert_int_eq(policy.list_ms[0], 11);
}
END_TEST

START_TEST(a_refused_policy_leaves_the_output_alone)
{
    struct envelope envelope = {.retry = bytes_of("{\"max\":5,\"factor\":0}")};
    struct backoff policy = {.retries_max = 77};
    ck_assert_int_eq(envelope_backoff(&envelope, &backoff_default, &policy, NULL),
                     LEAT_EDATA);
    ck_assert_int_eq(policy.retries_max, 77);
}
END_TEST

static void check_written(const struct envelope_draft *draft, const char *want)
{
    struct buf out = {0};
    envelope_write(&out, draft);
    ck_assert_str_eq(buf_text(&out), want);
    read_text(buf_text(&out));
    buf_fini(&out);
}

START_TEST(what_is_written_can_be_read)
{
    check_written(
        &(struct envelope_draft){.type = "x",
                                 .id = "i",
                                 .args = bytes_of("{\"a\":[1]}"),
                                 .retries_max = 0,
                                 .timeout_ms = 5},
        "{\"type\":\"x\",\"id\":\"i\",\"args\":{\"a\":[1]},\"retry\":{\"max\":0},"
        "\"timeout_ms\":5}");
}
END_TEST

START_TEST(empty_and_zero_fields_are_left_out)
{
    struct envelope_draft draft = {.type = "x", .args = bytes_of("1"), .retries_max = -1};
    check_written(&draft, "{\"type\":\"x\",\"args\":1}");
    draft.id = "";
    check_written(&draft, "{\"type\":\"x\",\"args\":1}");
}
END_TEST

START_TEST(a_type_with_quotes_is_written_as_json_and_refused_when_read)
{
    struct buf out = {0};
    struct envelope envelope;
    struct err err = {0};
    envelope_write(&out, &(struct envelope_draft){.type = "x\",\"y\":\"",
                                                  .args = bytes_of("1"),
                                                  .retries_max = -1});
    ck_assert_str_eq(buf_text(&out), "{\"type\":\"x\\\",\\\"y\\\":\\\"\",\"args\":1}");
    ck_assert_int_eq(envelope_read(&envelope, buf_bytes(&out), &arena, &err), LEAT_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "'type' has a character"));
    buf_fini(&out);
    arena_fini(&arena);
}
END_TEST

SUITE("envelope", fields_that_are_absent_have_their_defaults, every_field_is_read,
      args_are_the_very_bytes_of_the_payload, a_type_written_with_escapes_is_decoded,
      a_message_is_one_short_line_whatever_was_sent,
      without_retry_the_types_own_policy_holds, retry_replaces_only_what_it_names,
      a_list_of_delays_is_a_policy_of_its_own, a_list_may_come_from_the_types_own_policy,
      a_refused_policy_leaves_the_output_alone, what_is_written_can_be_read,
      empty_and_zero_fields_are_left_out,
      a_type_with_quotes_is_written_as_json_and_refused_when_read)
