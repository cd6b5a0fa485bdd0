/* SPDX-License-Identifier: MIT */
/* PUSH, SCHEDULE and PROMOTE: numbered batches, now and later. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

#define WORDS(...) rig_words(&rig, (const char *const[]){__VA_ARGS__, NULL})

/* ---- push -------------------------------------------------------------------------- */

#define PUSH(number, ...)                                                                \
    (script_push(&rig.client.cmd, &rig.queue, "p", number, NULL), WORDS(__VA_ARGS__))

START_TEST(numbered_batches_are_pushed_in_order)
{
    rig_start(&rig);
    ck_assert_int_eq(reply_int(PUSH(1, "a", "b"), -9), 1);
    ck_assert_int_eq(reply_int(PUSH(2, "c"), -9), 1);
    EXPECT_LIST(&rig, rig.queue.list, "a", "b", "c");
    ck_assert_int_gt(ASK_INT(&rig, "PTTL", "{leat:q}:p:p"), 3500000);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_batch_pushed_before_adds_nothing)
{
    rig_start(&rig);
    PUSH(1, "a");
    PUSH(2, "b");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(reply_int(PUSH(2, "b"), -9), 0);
    ck_assert_int_eq(reply_int(PUSH(1, "a"), -9), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_number_too_far_is_a_gap_and_tells_the_last)
{
    rig_start(&rig);
    rig_expect_refused(&rig, PUSH(2, "b"), LEAT_EGAP, "GAP 0");
    PUSH(1, "a");
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, PUSH(3, "c"), LEAT_EGAP, "GAP 1");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_full_queue_takes_whole_batches_or_nothing)
{
    rig_start(&rig);
    ASK(&rig, "HSET", rig.queue.meta, "maxlen", "3");
    ck_assert_int_eq(reply_int(PUSH(1, "a", "b"), -9), 1);
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, PUSH(2, "c", "d"), LEAT_EBUSY, "FULL 2 3");
    ck_assert_int_eq(reply_int(PUSH(1, "a", "b"), -9), 0); /* is no new job */
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(reply_int(PUSH(2, "c"), -9), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(five_hundred_entries_fit_into_one_batch)
{
    rig_start(&rig);
    for (int number = 1; number <= 2; number++) {
        if (number == 1)
            script_push(&rig.client.cmd, &rig.queue, "p", 1, NULL);
        else
            script_schedule(&rig.client.cmd, &rig.queue, "p", 2, 1, 0, NULL);
        for (int i = 0; i < LIMIT_PUSH_ENTRIES; i++)
            cmd_add_int(&rig.client.cmd, i);
        ck_assert_int_eq(reply_int(rig_ask(&rig), -9), 1);
    }
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.list), LIMIT_PUSH_ENTRIES);
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.sched), LIMIT_PUSH_ENTRIES);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_takes_no_batch)
{
    const char *const keys[] = {rig.queue.list, rig.queue.meta, "{leat:q}:p:p",
                                rig.queue.sched, rig.queue.ctl};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "FLUSHALL");
        ASK(&rig, "PFADD", keys[i], "somebody's");
        if (i == 2)
            ASK(&rig, "DEL", keys[i]), ASK(&rig, "SADD", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        if (i < 3)
            rig_expect_refused(&rig, PUSH(1, "a"), LEAT_EFOREIGN, "WRONGTYPE");
        script_schedule(&rig.client.cmd, &rig.queue, "p", 1, 1, 0, NULL);
        if (i >= 2)
            rig_expect_refused(&rig, WORDS("a"), LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
    }
    rig_stop(&rig);
}
END_TEST

/* ---- schedule ---------------------------------------------------------------------- */

static int64_t schedule(int64_t number, int relative, int64_t ms, const char *entry)
{
    script_schedule(&rig.client.cmd, &rig.queue, "p", number, relative, ms, NULL);
    return reply_int(WORDS(entry), -9);
}

START_TEST(a_scheduled_batch_is_numbered_like_a_pushed_one)
{
    rig_start(&rig);
    PUSH(1, "now");
    ck_assert_int_eq(schedule(2, 1, 60000, "R1 a 0 0\nx"), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(schedule(2, 1, 60000, "R1 a 0 0\nx"), 0);
    script_schedule(&rig.client.cmd, &rig.queue, "p", 4, 1, 60000, NULL);
    rig_expect_refused(&rig, WORDS("R1 b 0 0\ny"), LEAT_EGAP, "GAP 2");
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(reply_int(PUSH(3, "later"), -9), 1);
    EXPECT_LIST(&rig, rig.queue.list, "now", "later");
    rig_stop(&rig);
}
END_TEST

START_TEST(due_times_count_from_now_or_from_the_epoch)
{
    rig_start(&rig);
    int64_t before_ms = rig_now_ms(&rig);
    schedule(1, 1, 60000, "in");
    schedule(2, 0, 4102444800123, "at");
    int64_t due_ms = ASK_INT(&rig, "ZSCORE", rig.queue.sched, "in");
    ck_assert_int_ge(due_ms, before_ms + 60000);
    ck_assert_int_le(due_ms, rig_now_ms(&rig) + 60000);
    ck_assert_int_eq(ASK_INT(&rig, "ZSCORE", rig.queue.sched, "at"), 4102444800123);
    rig_stop(&rig);
}
END_TEST

static int64_t messages(void)
{
    return ASK_INT(&rig, "XLEN", rig.queue.ctl);
}

START_TEST(workers_hear_only_of_what_is_due_sooner_than_all_else_and_than_a_tick)
{
    rig_start(&rig);
    schedule(1, 1, 60000, "a");
    ck_assert_int_eq(messages(), 0); /* earliest, but a tick comes first */
    schedule(2, 1, 1000, "b");
    ck_assert_int_eq(messages(), 1);
    schedule(3, 1, 1200, "c");
    ck_assert_int_eq(messages(), 1); /* soon, but behind another */
    schedule(4, 1, 10, "d");
    ck_assert_int_eq(messages(), 2);
    schedule(5, 0, 1000, "e"); /* long past */
    ck_assert_int_eq(messages(), 3);
    schedule(5, 0, 1, "e");
    ck_assert_int_eq(messages(), 3);
    const struct redisReply *last = ASK(&rig, "XREVRANGE", rig.queue.ctl, "+", "-");
    const struct redisReply *due = reply_field(reply_at(reply_at(last, 0), 1), "due");
    ck_assert_int_eq(reply_int(due, -1), 1000);
    rig_stop(&rig);
}
END_TEST

/* ---- promote ----------------------------------------------------------------------- */

/* {moved, ms until the next}. */
static int64_t promote(int64_t at_most, int64_t *next_ms)
{
    script_promote(&rig.client.cmd, &rig.queue, at_most);
    const struct redisReply *reply = rig_ask(&rig);
    *next_ms = reply_int(reply_at(reply, 1), -9);
    return reply_int(reply_at(reply, 0), -9);
}

static void wait_until(const char *score, const char *entry)
{
    ASK(&rig, "ZADD", rig.queue.sched, score, entry);
    rig.pushed++;
}

START_TEST(promote_of_an_empty_schedule_moves_nothing)
{
    int64_t next_ms;
    rig_start(&rig);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(promote(10, &next_ms), 0);
    ck_assert_int_eq(next_ms, -1);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_is_due_is_served_by_its_time_and_the_rest_stays)
{
    int64_t next_ms;
    rig_start(&rig);
    wait_until("3000", "c");
    wait_until("1000", "a");
    wait_until("4102444800000", "z");
    wait_until("2000", "b");
    ck_assert_int_eq(promote(10, &next_ms), 3);
    ck_assert_int_gt(next_ms, 1000);
    EXPECT_LIST(&rig, rig.queue.list, "a", "b", "c");
    EXPECT_ZSET(&rig, rig.queue.sched, "z");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(no_more_is_moved_than_asked_even_of_equal_times)
{
    int64_t next_ms;
    rig_start(&rig);
    wait_until("1000", "a");
    wait_until("1000", "b");
    wait_until("1000", "c");
    ck_assert_int_eq(promote(2, &next_ms), 2);
    ck_assert_int_eq(next_ms, 0);
    rig_expect_books(&rig);
    EXPECT_LIST(&rig, rig.queue.list, "a", "b");
    ck_assert_int_eq(promote(2, &next_ms), 1);
    ck_assert_int_eq(next_ms, -1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_gauge_of_retrying_jobs_counts_those_that_failed)
{
    int64_t next_ms;
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 3);
    rig_reserve(&rig, "L1", 3);
    SETTLE(&rig, "L1", "rrl", "0", "R1 L1.0 0 1", "0", "R1 L1.1 4 12", "0", "R1 L1.2 3 0",
           "0", "");
    wait_until("1000", "R1 x 0 0\nscheduled");
    wait_until("1000", "bare");
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 2);
    ck_assert_int_eq(promote(10, &next_ms), 5);
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(five_hundred_jobs_are_promoted_at_once)
{
    int64_t next_ms;
    rig_start(&rig);
    for (int i = 0; i < 600; i++)
        wait_until("1000", rig_format(&rig, "%d", i));
    ck_assert_int_eq(promote(500, &next_ms), 500);
    ck_assert_int_eq(promote(500, &next_ms), 100);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(promote_refuses_keys_of_the_wrong_type)
{
    const char *const keys[] = {rig.queue.list, rig.queue.meta};
    rig_start(&rig);
    wait_until("1000", "R1 a 0 1\nx");
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        script_promote(&rig.client.cmd, &rig.queue, 10);
        rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
    }
    rig_stop(&rig);
}
END_TEST

SUITE("due", numbered_batches_are_pushed_in_order, a_batch_pushed_before_adds_nothing,
      a_number_too_far_is_a_gap_and_tells_the_last,
      a_full_queue_takes_whole_batches_or_nothing,
      five_hundred_entries_fit_into_one_batch, a_key_of_the_wrong_type_takes_no_batch,
      a_scheduled_batch_is_numbered_like_a_pushed_one,
      due_times_count_from_now_or_from_the_epoch,
      workers_hear_only_of_what_is_due_sooner_than_all_else_and_than_a_tick,
      promote_of_an_empty_schedule_moves_nothing,
      what_is_due_is_served_by_its_time_and_the_rest_stays,
      no_more_is_moved_than_asked_even_of_equal_times,
      the_gauge_of_retrying_jobs_counts_those_that_failed,
      five_hundred_jobs_are_promoted_at_once, promote_refuses_keys_of_the_wrong_type)
