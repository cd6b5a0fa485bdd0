/* SPDX-License-Identifier: MIT */
#include "worker/tally.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static struct tally tally;

static int64_t sum_of(const char *name)
{
    const struct tally_row *row = tally_find(&tally, bytes_of(name));
    return row != NULL ? row->sum : INT64_MIN;
}

START_TEST(equal_names_are_summed_and_others_kept_apart)
{
    tally_reset(&tally);
    tally_add(&tally, bytes_of("a"), 1);
    tally_add(&tally, bytes_of("b"), -5);
    tally_add(&tally, bytes_of("a"), 2);
    tally_add(&tally, bytes_of("ab"), 7);
    tally_add(&tally, bytes_of(""), 9);
    ck_assert_int_eq(tally.count, 4);
    ck_assert_int_eq(sum_of("a"), 3);
    ck_assert_int_eq(sum_of("b"), -5);
    ck_assert_int_eq(sum_of("ab"), 7);
    ck_assert_int_eq(sum_of(""), 9);
}
END_TEST

START_TEST(names_are_compared_by_all_their_bytes)
{
    tally_reset(&tally);
    tally_add(&tally, (struct bytes){"a\0b", 3}, 1);
    tally_add(&tally, (struct bytes){"a\0c", 3}, 2);
    tally_add(&tally, (struct bytes){"a", 1}, 4);
    ck_assert_int_eq(tally.count, 3);
    ck_assert_int_eq(tally_find(&tally, (struct bytes){"a\0c", 3})->sum, 2);
    ck_assert_ptr_null(tally_find(&tally, (struct bytes){"a\0d", 3}));
}
END_TEST

START_TEST(a_lease_full_of_names_fits)
{
    static char names[LIMIT_LEASE_JOBS][24];
    tally_reset(&tally);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < LIMIT_LEASE_JOBS; i++) {
            snprintf(names[i], sizeof names[i], "song:%d", i);
            tally_add(&tally, bytes_of(names[i]), i);
        }
        ck_assert_int_eq(tally.count, LIMIT_LEASE_JOBS);
    }
    for (int i = 0; i < LIMIT_LEASE_JOBS; i++)
        ck_assert_int_eq(sum_of(names[i]), i + i);
    ck_assert_ptr_null(tally_find(&tally, bytes_of("song:1000")));
}
END_TEST

START_TEST(the_largest_sums_of_a_lease_are_exact)
{
    tally_reset(&tally);
    for (int i = 0; i < LIMIT_LEASE_JOBS; i++) {
        tally_add(&tally, bytes_of("up"), LIMIT_BY);
        tally_add(&tally, bytes_of("down"), -LIMIT_BY);
    }
    ck_assert_int_eq(sum_of("up"), LIMIT_LEASE_JOBS * LIMIT_BY);
    ck_assert_int_eq(sum_of("down"), -LIMIT_LEASE_JOBS * LIMIT_BY);
}
END_TEST

START_TEST(a_reset_tally_knows_no_name)
{
    tally_reset(&tally);
    tally_add(&tally, bytes_of("a"), 1);
    tally_reset(&tally);
    ck_assert_int_eq(tally.count, 0);
    ck_assert_ptr_null(tally_find(&tally, bytes_of("a")));
    tally_add(&tally, bytes_of("a"), 5);
    ck_assert_int_eq(sum_of("a"), 5);
}
END_TEST

SUITE("tally", equal_names_are_summed_and_others_kept_apart,
      names_are_compared_by_all_their_bytes, a_lease_full_of_names_fits,
      the_largest_sums_of_a_lease_are_exact, a_reset_tally_knows_no_name)
