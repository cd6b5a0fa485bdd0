/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "unit/suite.h"

static struct rig rig;

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

#define EXPECT_COUNTER(name, text)                                                       \
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, name), text)

/* The reply of a refusal: {name, error, …}, and nothing has changed. */
static void expect_refused(const struct redisReply *reply, const char *const *names,
                           size_t n)
{
    ck_assert_uint_eq(reply_count(reply), 2 * n);
    for (size_t i = 0; i < n; i++) {
        ck_assert(bytes_is(reply_bytes(reply_at(reply, 2 * i)), names[i]));
        ck_assert_uint_gt(reply_bytes(reply_at(reply, 2 * i + 1)).len, 3);
    }
}

#define EXPECT_REFUSED(reply, ...)                                                       \
    expect_refused(reply, (const char *const[]){__VA_ARGS__},                            \
                   COUNT(((const char *const[]){__VA_ARGS__})))

START_TEST(ack_adds_its_sums_and_ends_the_lease_in_one_step)
{
    start_with_lease(5);
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 5, "a", "3", "b", "-2"), -9), 1);
    EXPECT_COUNTER("a", "3");
    EXPECT_COUNTER("b", "-2");
    ck_assert_int_eq(rig_meta(&rig, "fin"), 5);
    ck_assert_int_eq(rig_meta(&rig, "done"), 5);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.lease, rig.queue.body), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(ack_of_jobs_without_effect_needs_no_counters)
{
    start_with_lease(2);
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 2), -9), 1);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.counters), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(ack_of_a_lease_that_is_gone_has_no_effect)
{
    start_with_lease(2);
    RELEASE(&rig, "L1");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 2, "a", "2"), -9), 0);
    ck_assert_int_eq(reply_int(ACK(&rig, "never", 2, "a", "2"), -9), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(ack_sent_twice_counts_once)
{
    start_with_lease(2);
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 2, "a", "2"), -9), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 2, "a", "2"), -9), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_sum_that_would_overflow_undoes_all_others)
{
    static const struct {
        const char *value, *delta;
    } rows[] = {
        {"9223372036854775807", "1"},
        {"-9223372036854775808", "-1"},
        {"9223372036854775000", "9007199254740992"},
        {"-9223372036854775000", "-9007199254740992"},
    };
    start_with_lease(3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ASK(&rig, "HSET", rig.queue.counters, "edge", rows[i].value, "a", "5", "z", "7");
        EXPECT_REFUSED(ACK(&rig, "L1", 3, "a", "3", "edge", rows[i].delta, "z", "-8"),
                       "edge");
        EXPECT_COUNTER("a", "5");
        EXPECT_COUNTER("edge", rows[i].value);
        EXPECT_COUNTER("z", "7");
        rig_expect_books(&rig);
    }
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 3, "a", "3"), -9), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_undo_is_exact_beyond_what_doubles_can_hold)
{
    static const char *const deltas[] = {
        "9007199254740993",     "-9007199254740993",   "2305843009213693951",
        "-2305843009213693953", "9223372036854775806", "-9223372036854775807",
        "900719925474099300",
    };
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "text", "no number");
    for (size_t i = 0; i < COUNT(deltas); i++) {
        ASK(&rig, "HSET", rig.queue.counters, "a", "1", "b", "0");
        EXPECT_REFUSED(ACK(&rig, "L1", 3, "b", deltas[i], "text", "1", "new", deltas[i]),
                       "text");
        EXPECT_COUNTER("a", "1");
        EXPECT_COUNTER("b", "-"); /* an absent counter counts 0 */
        EXPECT_COUNTER("new", "-");
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_counter_named_twice_is_undone_through_values_that_it_had)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "a", "9223372036854775800", "text", "x");
    EXPECT_REFUSED(ACK(&rig, "L1", 3, "a", "-100", "a", "100", "text", "1"), "text");
    EXPECT_COUNTER("a", "9223372036854775800");
    ASK(&rig, "HSET", rig.queue.counters, "a", "-9223372036854775800");
    EXPECT_REFUSED(ACK(&rig, "L1", 3, "a", "100", "a", "-100", "a", "0", "text", "1"),
                   "text");
    EXPECT_COUNTER("a", "-9223372036854775800");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_refusal_names_every_counter_that_refused)
{
    start_with_lease(4);
    ASK(&rig, "HSET", rig.queue.counters, "text", "12x", "real", "1.5", "full",
        "9223372036854775807", "spaced", " 1");
    EXPECT_REFUSED(ACK(&rig, "L1", 4, "text", "1", "ok", "1", "real", "1", "full", "1",
                       "spaced", "1", "delta", "no number"),
                   "text", "real", "full", "spaced", "delta");
    EXPECT_COUNTER("text", "12x");
    EXPECT_COUNTER("real", "1.5");
    EXPECT_COUNTER("ok", "-");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_the_queues_fault_and_changes_nothing)
{
    const char *const keys[] = {rig.queue.counters, rig.queue.meta, rig.queue.lease,
                                rig.queue.body};
    start_with_lease(2);
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "COPY", keys[i], "kept", "REPLACE");
        ASK(&rig, "DEL", keys[i]);
        ASK(&rig, "LPUSH", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        rig_expect_refused(&rig, ACK(&rig, "L1", 2, "a", "1"), LEAT_EFOREIGN,
                           "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
        ASK(&rig, "COPY", "kept", keys[i], "REPLACE");
        ASK(&rig, "DEL", "kept");
    }
    ck_assert_int_eq(reply_int(ACK(&rig, "L1", 2, "a", "1"), -9), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_thousand_counters_are_undone_as_one)
{
    start_with_lease(1000);
    ASK(&rig, "HSET", rig.queue.counters, "999", "text");
    script_ack(&rig.client.cmd, &rig.queue, "L1", 1000);
    for (int i = 0; i < 1000; i++) {
        cmd_add_int(&rig.client.cmd, i);
        cmd_adds(&rig.client.cmd, "5");
    }
    EXPECT_REFUSED(rig_call(&rig), "999");
    for (int i = 0; i < 999; i += 37)
        EXPECT_COUNTER(rig_format(&rig, "%d", i), "-");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

SUITE("ack", ack_adds_its_sums_and_ends_the_lease_in_one_step,
      ack_of_jobs_without_effect_needs_no_counters,
      ack_of_a_lease_that_is_gone_has_no_effect, ack_sent_twice_counts_once,
      a_sum_that_would_overflow_undoes_all_others,
      the_undo_is_exact_beyond_what_doubles_can_hold,
      a_counter_named_twice_is_undone_through_values_that_it_had,
      a_refusal_names_every_counter_that_refused,
      a_key_of_the_wrong_type_is_the_queues_fault_and_changes_nothing,
      a_thousand_counters_are_undone_as_one)
