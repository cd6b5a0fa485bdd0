/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

/* A payload of `len` times one letter. */
static const char *long_job(char letter, int len)
{
    char *job = arena_alloc(&rig.arena, (size_t)len + 1);
    memset(job, letter, (size_t)len);
    job[len] = '\0';
    return job;
}

static void expect_jobs(const char *const *want, int n)
{
    ck_assert_int_eq(rig.count, n);
    for (int i = 0; i < n; i++)
        ck_assert_str_eq(rig.job[i], want[i]);
}

#define EXPECT_JOBS(...)                                                                 \
    expect_jobs((const char *const[]){__VA_ARGS__},                                      \
                (int)COUNT(((const char *const[]){__VA_ARGS__})))

START_TEST(reserve_takes_the_oldest_jobs_first_and_counts_them)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 5);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 3), 3);
    EXPECT_JOBS("1", "2", "3");
    ck_assert_int_eq(rig_meta(&rig, "res"), 3);
    EXPECT_LIST(&rig, rig.queue.list, "4", "5");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(reserve_of_an_empty_queue_answers_0_and_leaves_no_lease)
{
    rig_start(&rig);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 100), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(reserve_returns_nothing_when_the_queue_is_paused)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_push_n(&rig, rig.queue.suspects, 3, 1);
    ASK(&rig, "HSET", rig.queue.meta, "paused", "1");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 10), -2);
    ck_assert_int_eq(rig_reserve_suspect(&rig, "L1", 10), -2);
    ck_assert_str_eq(rig_digest(&rig), before);
    ASK(&rig, "HDEL", rig.queue.meta, "paused");
    ck_assert_int_eq(rig_reserve(&rig, "L1", 10), 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_lease_id_in_use_is_refused_and_no_job_is_lost)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 4);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 2), 2);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 2), -1);
    rig_expect_refused(&rig, NULL, LEAT_EBUG, "DUPLEASE");
    EXPECT_LIST(&rig, rig.queue.staging, "3", "4"); /* at the head, in order */
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_byte_budget_hands_the_tail_back_in_order)
{
    rig_start(&rig);
    const char *job[10];
    for (int i = 0; i < 10; i++) {
        job[i] = long_job((char)('a' + i), 1000);
        rig_push(&rig, rig.queue.list, job[i]);
    }
    ck_assert_int_eq(rig_reserve_bytes(&rig, "L1", 10, 3500), 3);
    expect_jobs(job, 3);
    rig_expect_books(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L2", 10), 7);
    expect_jobs(job + 3, 7);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_job_beyond_the_budget_still_travels)
{
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, long_job('a', 1000));
    rig_push(&rig, rig.queue.list, long_job('b', 1000));
    ck_assert_int_eq(rig_reserve_bytes(&rig, "L1", 10, 10), 1);
    ck_assert_int_eq(rig.job[0][0], 'a');
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(an_oversize_entry_is_quarantined_as_it_is_and_its_neighbours_travel)
{
    rig_start(&rig);
    const char *longest = long_job('x', LIMIT_ENTRY_BYTES);
    const char *too_long = long_job('y', LIMIT_ENTRY_BYTES + 1);
    rig_push(&rig, rig.queue.list, "before");
    rig_push(&rig, rig.queue.list, too_long);
    rig_push(&rig, rig.queue.list, longest);
    rig_push(&rig, rig.queue.list, "after");
    ck_assert_int_eq(rig_reserve(&rig, "L1", 10), 3);
    EXPECT_JOBS("before", longest, "after");
    EXPECT_LIST(&rig, rig.queue.bad, too_long);
    ck_assert_int_eq(rig_meta(&rig, "bad"), 1);
    ck_assert_int_eq(rig_meta(&rig, "res"), 3);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_queue_of_nothing_but_oversize_entries_answers_0_and_counts_them)
{
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, long_job('y', LIMIT_ENTRY_BYTES + 1));
    rig_push(&rig, rig.queue.high, long_job('z', LIMIT_ENTRY_BYTES + 1));
    ck_assert_int_eq(rig_reserve(&rig, "L1", 10), 0);
    ck_assert_int_eq(rig_meta(&rig, "bad"), 2);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_head_is_served_before_high_and_high_before_the_queue)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_push_n(&rig, rig.queue.high, 11, 2);
    rig_push_n(&rig, rig.queue.staging, 21, 2);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 6), 6);
    EXPECT_JOBS("21", "22", "11", "12", "1", "2");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* Of 100 jobs asked for in portions of `n`, how many come from the queue? */
static int share_of_queue(int n)
{
    int low = 0;
    ASK(&rig, "FLUSHALL");
    rig_push_n(&rig, rig.queue.list, 1000, 200);
    rig_push_n(&rig, rig.queue.high, 9000, 200);
    for (int taken = 0; taken < 100; taken += n) {
        rig_reserve(&rig, rig_format(&rig, "L%d", taken), n);
        for (int i = 0; i < rig.count; i++)
            low += rig.job[i][0] == '1';
    }
    return low;
}

START_TEST(the_queue_gets_every_fifth_job_however_few_are_asked_for)
{
    static const int portions[] = {1, 2, 4, 5, 10, 20, 50, 100};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(portions); i++)
        ck_assert_msg(share_of_queue(portions[i]) == 20, "in portions of %d",
                      portions[i]);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_one_list_lacks_the_other_gives)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 10);
    rig_push_n(&rig, rig.queue.high, 11, 1);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 10), 10);
    rig_push_n(&rig, rig.queue.high, 12, 20);
    ck_assert_int_eq(rig_reserve(&rig, "L2", 20), 20);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_suspect_travels_alone_and_only_when_asked_for)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 3);
    rig_push(&rig, rig.queue.suspects, "R1 L9.0 2 0\nfirst");
    rig_push(&rig, rig.queue.suspects, "R1 L9.1 2 0\nsecond");
    ck_assert_int_eq(rig_reserve(&rig, "L1", 2), 2);
    EXPECT_JOBS("1", "2");
    ck_assert_int_eq(rig_reserve_suspect(&rig, "L2", 10), 1);
    EXPECT_JOBS("R1 L9.0 2 0\nfirst");
    ck_assert_int_eq(rig_reserve_suspect(&rig, "L3", 10), 1);
    ck_assert_int_eq(rig_reserve_suspect(&rig, "L4", 10), 1);
    EXPECT_JOBS("3");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_a_bell_moved_is_reserved_by_its_bytes_and_nothing_else)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.staging, 1, 3);
    rig_push_n(&rig, rig.queue.list, 4, 1);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L1", "2"), 1);
    EXPECT_JOBS("2");
    EXPECT_LIST(&rig, rig.queue.staging, "1", "3");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L2", "2"), 0); /* another was quicker */
    ck_assert_int_eq(rig_reserve_rung(&rig, "L2", "4"), 0); /* it did not ring */
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(of_equal_jobs_each_ring_reserves_one)
{
    rig_start(&rig);
    for (int i = 0; i < 3; i++)
        rig_push(&rig, rig.queue.staging, "same");
    ck_assert_int_eq(rig_reserve_rung(&rig, "L1", "same"), 1);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L2", "same"), 1);
    EXPECT_LIST(&rig, rig.queue.staging, "same");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_rang_is_not_looked_for_in_a_long_staging_list)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.staging, 1, 200);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L1", "200"), 1);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L2", "1"), 0);
    ck_assert_int_eq(rig_reserve(&rig, "L3", 1), 1);
    EXPECT_JOBS("1");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_rang_waits_while_the_queue_is_paused)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.staging, 1, 1);
    ASK(&rig, "HSET", rig.queue.meta, "paused", "1");
    ck_assert_int_eq(rig_reserve_rung(&rig, "L1", "1"), -2);
    EXPECT_LIST(&rig, rig.queue.staging, "1");
    rig_stop(&rig);
}
END_TEST

START_TEST(what_rang_and_is_too_long_is_quarantined)
{
    rig_start(&rig);
    const char *job = long_job('z', LIMIT_ENTRY_BYTES + 1);
    rig_push(&rig, rig.queue.staging, job);
    ck_assert_int_eq(rig_reserve_rung(&rig, "L1", job), 0);
    EXPECT_LIST(&rig, rig.queue.bad, job);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_thousand_jobs_travel_in_one_lease)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 1001);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 1000), 1000);
    ck_assert_str_eq(rig.job[0], "1");
    ck_assert_str_eq(rig.job[999], "1000");
    EXPECT_LIST(&rig, rig.queue.list, "1001");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_deadline_is_counted_by_the_clock_of_redis)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 1);
    int64_t before_ms = rig_now_ms(&rig);
    rig_reserve(&rig, "L1", 1);
    int64_t deadline_ms = ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L1");
    ck_assert_int_ge(deadline_ms, before_ms + 60000);
    ck_assert_int_le(deadline_ms, rig_now_ms(&rig) + 60000);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_refused_and_no_job_is_lost)
{
    const char *const keys[] = {rig.queue.list,  rig.queue.high, rig.queue.staging,
                                rig.queue.lease, rig.queue.body, rig.queue.bad,
                                rig.queue.meta};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "FLUSHALL");
        rig_push(&rig, rig.queue.staging, "1");
        rig_push(&rig, rig.queue.list, long_job('y', LIMIT_ENTRY_BYTES + 1));
        ASK(&rig, "SET", keys[i], "somebody's");
        ck_assert_msg(rig_reserve(&rig, "L1", 10) == -1, "%s", keys[i]);
        rig_expect_refused(&rig, NULL, LEAT_EFOREIGN, "WRONGTYPE");
        ASK(&rig, "DEL", keys[i]); /* whoever it belongs to takes it away */
        int jobs = keys[i] != rig.queue.staging, bad = keys[i] != rig.queue.list;
        ck_assert_msg(rig_reserve(&rig, "L2", 10) == jobs, "%s", keys[i]);
        ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.bad), bad);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_right_that_is_missing_costs_no_job)
{
    static const char *const denied[] = {"-hsetnx", "-zadd"};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(denied); i++) {
        ASK(&rig, "FLUSHALL");
        rig_push_n(&rig, rig.queue.list, 1, 3);
        ASK(&rig, "ACL", "SETUSER", "default", "+@all", denied[i]);
        ck_assert_int_eq(rig_reserve(&rig, "L1", 10), -1);
        rig_expect_refused(&rig, NULL, LEAT_EDENIED, "ERR The user");
        ASK(&rig, "ACL", "SETUSER", "default", "+@all");
        EXPECT_LIST(&rig, rig.queue.staging, "1", "2", "3");
        ASK(&rig, "ACL", "SETUSER", "default", "+@all", denied[i]);
        ck_assert_int_eq(rig_reserve_rung(&rig, "L1", "2"), -1);
        ASK(&rig, "ACL", "SETUSER", "default", "+@all");
        ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.staging), 3);
        ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.body), 0);
        rig_push_n(&rig, rig.queue.suspects, 4, 1);
        ASK(&rig, "ACL", "SETUSER", "default", "+@all", denied[i]);
        ck_assert_int_eq(rig_reserve_suspect(&rig, "L2", 10), -1);
        ASK(&rig, "ACL", "SETUSER", "default", "+@all");
        EXPECT_LIST(&rig, rig.queue.suspects, "4");
    }
    rig_stop(&rig);
}
END_TEST

SUITE("reserve", reserve_takes_the_oldest_jobs_first_and_counts_them,
      reserve_of_an_empty_queue_answers_0_and_leaves_no_lease,
      reserve_returns_nothing_when_the_queue_is_paused,
      a_lease_id_in_use_is_refused_and_no_job_is_lost,
      the_byte_budget_hands_the_tail_back_in_order,
      one_job_beyond_the_budget_still_travels,
      an_oversize_entry_is_quarantined_as_it_is_and_its_neighbours_travel,
      a_queue_of_nothing_but_oversize_entries_answers_0_and_counts_them,
      the_head_is_served_before_high_and_high_before_the_queue,
      the_queue_gets_every_fifth_job_however_few_are_asked_for,
      what_one_list_lacks_the_other_gives,
      a_suspect_travels_alone_and_only_when_asked_for,
      what_a_bell_moved_is_reserved_by_its_bytes_and_nothing_else,
      of_equal_jobs_each_ring_reserves_one,
      what_rang_is_not_looked_for_in_a_long_staging_list,
      what_rang_waits_while_the_queue_is_paused, what_rang_and_is_too_long_is_quarantined,
      a_thousand_jobs_travel_in_one_lease, the_deadline_is_counted_by_the_clock_of_redis,
      a_right_that_is_missing_costs_no_job,
      a_key_of_the_wrong_type_is_refused_and_no_job_is_lost)
