/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "worker/share.h"

static struct shares shares;

static void add(int weight)
{
    share_add(&shares, weight);
    share_note(&shares, shares.count - 1, SHARE_WANTS);
}

/* Who is asked next, and may be. */
static int next(void)
{
    int order[SHARE_MAX];
    share_sort(&shares, order);
    for (int i = 0; i < shares.count; i++)
        if (shares.of[order[i]].state == SHARE_WANTS && share_may_take(&shares, order[i]))
            return order[i];
    return -1;
}

/* Take `count` leases of `jobs`, and count the jobs of each queue. */
static void take(int count, int jobs, int taken[])
{
    for (int i = 0; i < count; i++) {
        int queue = next();
        ck_assert_int_ge(queue, 0);
        share_charge(&shares, queue, jobs);
        taken[queue] += jobs;
    }
}

START_TEST(each_queue_gets_its_share_by_weight)
{
    int taken[3] = {0};
    add(3), add(1), add(2);
    take(600, 1000, taken);
    ck_assert_int_eq(taken[0], 300000);
    ck_assert_int_eq(taken[1], 100000);
    ck_assert_int_eq(taken[2], 200000);
}
END_TEST

START_TEST(equal_weights_take_turns)
{
    int taken[3] = {0};
    add(1), add(1), add(1);
    take(3, 16, taken);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(taken[i], 16);
}
END_TEST

START_TEST(nobody_gets_far_ahead_of_one_that_wants_jobs)
{
    add(1), add(1);
    share_charge(&shares, 0, SHARE_AHEAD);
    ck_assert(share_may_take(&shares, 0));
    share_charge(&shares, 0, 1);
    ck_assert(!share_may_take(&shares, 0));
    ck_assert(share_may_take(&shares, 1));
}
END_TEST

START_TEST(one_that_cannot_take_jobs_holds_up_nobody)
{
    add(1), add(1);
    share_charge(&shares, 0, 100000);
    share_note(&shares, 1, SHARE_WAITS);
    ck_assert(share_may_take(&shares, 0));
    share_note(&shares, 1, SHARE_EMPTY);
    ck_assert(share_may_take(&shares, 0));
}
END_TEST

START_TEST(what_did_not_come_is_not_counted)
{
    int taken[2] = {0};
    add(1), add(1);
    share_charge(&shares, 0, 1000);
    share_charge(&shares, 0, -1000);
    take(2, 10, taken);
    ck_assert_int_eq(taken[0], 10);
    ck_assert_int_eq(taken[1], 10);
}
END_TEST

START_TEST(a_queue_that_was_empty_has_saved_nothing_up)
{
    int taken[2] = {0};
    add(1), add(1);
    share_note(&shares, 1, SHARE_EMPTY);
    take(100, 1000, taken);
    ck_assert_int_eq(taken[0], 100000);
    share_note(&shares, 1, SHARE_WANTS);
    taken[0] = 0;
    take(100, 1000, taken);
    ck_assert_int_le(taken[1], 51000);
    ck_assert_int_ge(taken[1], 49000);
}
END_TEST

START_TEST(one_that_only_waited_for_a_slot_keeps_its_place)
{
    int taken[2] = {0};
    add(1), add(1);
    share_note(&shares, 1, SHARE_WAITS);
    take(10, 1000, taken);
    share_note(&shares, 1, SHARE_WANTS);
    take(10, 1000, taken);
    ck_assert_int_eq(taken[0], 10000);
    ck_assert_int_eq(taken[1], 10000);
}
END_TEST

START_TEST(strict_order_empties_the_first_first)
{
    int taken[3] = {0};
    shares.order = SHARE_STRICT;
    add(1), add(1000), add(1);
    take(50, 1000, taken);
    ck_assert_int_eq(taken[0], 50000);
    share_note(&shares, 0, SHARE_WAITS);
    ck_assert_int_eq(next(), -1);
    share_note(&shares, 0, SHARE_EMPTY);
    ck_assert_int_eq(next(), 1);
}
END_TEST

SUITE("share", each_queue_gets_its_share_by_weight, equal_weights_take_turns,
      nobody_gets_far_ahead_of_one_that_wants_jobs,
      one_that_cannot_take_jobs_holds_up_nobody, what_did_not_come_is_not_counted,
      a_queue_that_was_empty_has_saved_nothing_up,
      one_that_only_waited_for_a_slot_keeps_its_place,
      strict_order_empties_the_first_first)
