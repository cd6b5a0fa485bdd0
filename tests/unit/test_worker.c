/* SPDX-License-Identifier: MIT */
/* What a worker knows of the clock of Redis. */
#include "suite.h"
#include "worker/worker.h"

/* Redis is 5,000 ms ahead of this machine's monotonic clock. */
static struct worker worker;

static int64_t noted(int64_t ahead_ms, int64_t redis_now_ms, int64_t sent_mono_ms,
                     int64_t received_mono_ms)
{
    worker.redis_ahead_ms = ahead_ms;
    worker_note_time(&worker, redis_now_ms, sent_mono_ms, received_mono_ms);
    return worker.redis_ahead_ms;
}

START_TEST(an_answer_that_was_read_late_leaves_the_clock_as_it_was)
{
    ck_assert_int_eq(noted(5000, 6000, 1000, 1001), 5000);
    ck_assert_int_eq(noted(5000, 6000, 1000, 4000), 5000); /* stopped behind it */
    ck_assert_int_eq(noted(5000, 9000, 1000, 4000), 5000); /* it waited in Redis */
}
END_TEST

START_TEST(a_clock_that_an_answer_rules_out_moves_as_far_as_that_demands)
{
    ck_assert_int_eq(noted(-700, 6000, 990, 1010), 4990);
    ck_assert_int_eq(noted(86400000, 6000, 990, 1010), 5010);
    ck_assert_int_eq(noted(5020, 6000, 1000, 1000), 5000);
}
END_TEST

SUITE("worker", an_answer_that_was_read_late_leaves_the_clock_as_it_was,
      a_clock_that_an_answer_rules_out_moves_as_far_as_that_demands)
