/* SPDX-License-Identifier: MIT */
#include "schema/backoff.h"
#include "suite.h"

/* Random numbers at both ends and between. */
static const uint64_t randoms[] = {0,         1, 12345, UINT64_MAX / 3, UINT64_MAX - 1,
                                   UINT64_MAX};

/* Every delay lies in [low, high], and both ends can happen. */
static void check_span(const struct backoff *policy, int64_t fails, int64_t low,
                       int64_t high)
{
    for (size_t i = 0; i < COUNT(randoms); i++) {
        int64_t delay = backoff_delay_ms(policy, fails, randoms[i]);
        ck_assert_msg(delay >= low && delay <= high, "%lld fails: %lld not in %lld..%lld",
                      (long long)fails, (long long)delay, (long long)low,
                      (long long)high);
    }
    ck_assert_int_eq(backoff_delay_ms(policy, fails, 0), low);
    ck_assert_int_eq(backoff_delay_ms(policy, fails, (uint64_t)(high - low)), high);
}

START_TEST(delays_double_from_two_seconds_half_of_each_random)
{
    check_span(&backoff_default, 1, 1000, 2000);
    check_span(&backoff_default, 2, 2000, 4000);
    check_span(&backoff_default, 3, 4000, 8000);
    check_span(&backoff_default, 16, 32768000, 65536000);
}
END_TEST

START_TEST(no_delay_is_longer_than_the_cap)
{
    check_span(&backoff_default, 17, 43200000, 86400000);
    check_span(&backoff_default, 25, 43200000, 86400000);
    check_span(&backoff_default, 1000, 43200000, 86400000);
    struct backoff policy = {BACKOFF_FIXED, .base_ms = 5000, .cap_ms = 101};
    check_span(&policy, 1, 51, 101);
}
END_TEST

START_TEST(a_count_of_fails_that_no_job_reaches_is_answered_at_once)
{
    struct backoff policy = {
        .base_ms = 1, .factor = 1.0000000000000002, .cap_ms = LIMIT_DELAY_MS};
    ck_assert_int_ge(backoff_delay_ms(&policy, INT64_MAX, 0), 1);
    policy.factor = 100;
    policy.base_ms = LIMIT_DELAY_MS;
    check_span(&policy, INT64_MAX, LIMIT_DELAY_MS / 2, LIMIT_DELAY_MS);
}
END_TEST

START_TEST(fewer_than_one_fail_counts_as_one)
{
    check_span(&backoff_default, 0, 1000, 2000);
    check_span(&backoff_default, -1, 1000, 2000);
    check_span(&backoff_default, INT64_MIN, 1000, 2000);
}
END_TEST

START_TEST(a_factor_of_one_repeats_the_first_delay)
{
    struct backoff policy = {.base_ms = 300, .factor = 1, .cap_ms = 1000};
    check_span(&policy, 1, 150, 300);
    check_span(&policy, 1000, 150, 300);
}
END_TEST

START_TEST(a_fixed_policy_repeats_its_delay)
{
    struct backoff policy = {BACKOFF_FIXED, .base_ms = 700, .factor = 9,
                             .cap_ms = 86400000};
    check_span(&policy, 1, 350, 700);
    check_span(&policy, 1000, 350, 700);
}
END_TEST

START_TEST(a_list_is_walked_and_its_last_delay_repeats)
{
    struct backoff policy = {BACKOFF_LIST, .cap_ms = 50000,
                             .list_ms = {1000, 4000, 1, 90000, 300}, .list_count = 5};
    check_span(&policy, 1, 500, 1000);
    check_span(&policy, 2, 2000, 4000);
    check_span(&policy, 3, 1, 1);
    check_span(&policy, 4, 25000, 50000);
    check_span(&policy, 5, 150, 300);
    check_span(&policy, 6, 150, 300);
    check_span(&policy, INT64_MAX, 150, 300);
}
END_TEST

START_TEST(the_shortest_delay_is_one_millisecond)
{
    struct backoff policy = {.base_ms = 1, .factor = 1, .cap_ms = 1};
    check_span(&policy, 1, 1, 1);
    check_span(&policy, 1000, 1, 1);
}
END_TEST

SUITE("backoff", delays_double_from_two_seconds_half_of_each_random,
      no_delay_is_longer_than_the_cap,
      a_count_of_fails_that_no_job_reaches_is_answered_at_once,
      fewer_than_one_fail_counts_as_one, a_factor_of_one_repeats_the_first_delay,
      a_fixed_policy_repeats_its_delay, a_list_is_walked_and_its_last_delay_repeats,
      the_shortest_delay_is_one_millisecond)
