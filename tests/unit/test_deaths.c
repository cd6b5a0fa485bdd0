/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "worker/deaths.h"

enum { YOUNG_MS = 50, GROWN_MS = DEATHS_WINDOW_MS, START_MS = 1000000 };

START_TEST(five_quick_deaths_in_ten_seconds_are_a_crash_loop)
{
    struct deaths deaths = {0};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(deaths_note(&deaths, YOUNG_MS, START_MS + 2000 * i), 0);
    ck_assert_int_eq(deaths_note(&deaths, YOUNG_MS, START_MS + 9999), 1);
}
END_TEST

START_TEST(deaths_further_apart_are_none)
{
    struct deaths deaths = {0};
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(deaths_note(&deaths, YOUNG_MS, START_MS + 2500 * i), 0);
}
END_TEST

START_TEST(many_that_lived_for_a_while_and_are_killed_together_count_once)
{
    struct deaths deaths = {0};
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(deaths_note(&deaths, GROWN_MS, START_MS), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(deaths_note(&deaths, YOUNG_MS, START_MS + 1), 0);
    ck_assert_int_eq(deaths_note(&deaths, YOUNG_MS, START_MS + 2), 1);
}
END_TEST

START_TEST(the_first_death_is_made_good_at_once_and_later_ones_ever_later)
{
    static const int64_t waits_ms[] = {0,    200,  400,   800,   1600,
                                       3200, 6400, 10000, 10000, 10000};
    int quick = 0;
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++)
        ck_assert_int_eq(deaths_wait_ms(&quick, YOUNG_MS), waits_ms[i]);
}
END_TEST

START_TEST(who_lived_for_a_while_begins_anew)
{
    int quick = 7;
    ck_assert_int_eq(deaths_wait_ms(&quick, GROWN_MS), 0);
    ck_assert_int_eq(deaths_wait_ms(&quick, YOUNG_MS), 200);
}
END_TEST

SUITE("deaths", five_quick_deaths_in_ten_seconds_are_a_crash_loop,
      deaths_further_apart_are_none,
      many_that_lived_for_a_while_and_are_killed_together_count_once,
      the_first_death_is_made_good_at_once_and_later_ones_ever_later,
      who_lived_for_a_while_begins_anew)
