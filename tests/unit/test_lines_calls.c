/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "worker/lines_calls.h"

#include <stdio.h>
#include <stdlib.h>

/* Only their addresses count. */
static char jobs[LIMIT_IN_FLIGHT];

static struct call *job(int i)
{
    return (struct call *)(void *)&jobs[i];
}

static struct lines_calls *calls_of(int size)
{
    struct lines_calls *calls = xcalloc(1, sizeof *calls);
    lines_calls_grow(calls, NULL, size);
    return calls;
}

static struct lines_call *find(struct lines_calls *calls, int64_t handle)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)handle);
    return lines_calls_find(calls, bytes_of(text));
}

START_TEST(each_of_a_thousand_is_found_by_its_handle)
{
    struct lines_calls *calls = calls_of(LIMIT_IN_FLIGHT);
    for (int i = 0; i < LIMIT_IN_FLIGHT; i++)
        lines_calls_add(calls, job(i));
    ck_assert_int_eq(calls->held, LIMIT_IN_FLIGHT);
    for (int i = 0; i < LIMIT_IN_FLIGHT; i++) {
        struct lines_call *place = &calls->places[i];
        ck_assert_ptr_eq(find(calls, lines_calls_handle(calls, place)), place);
    }
    free(calls);
}
END_TEST

START_TEST(a_handle_is_never_used_twice)
{
    struct lines_calls *calls = calls_of(1);
    int64_t before = 0;
    for (int i = 0; i < 1000; i++) {
        struct lines_call *place = lines_calls_add(calls, job(i));
        int64_t handle = lines_calls_handle(calls, place);
        ck_assert_int_gt(handle, before);
        ck_assert_ptr_null(find(calls, before));
        ck_assert_ptr_eq(lines_calls_remove(calls, place), job(i));
        ck_assert_ptr_null(find(calls, handle));
        before = handle;
    }
    free(calls);
}
END_TEST

START_TEST(what_is_no_handle_finds_nothing)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "-1",
                                        "x",
                                        "1x",
                                        " 1",
                                        "2",
                                        "1001",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "99999999999999999999"};
    struct lines_calls *calls = calls_of(2);
    lines_calls_add(calls, job(0));
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_msg(lines_calls_find(calls, bytes_of(texts[i])) == NULL, "'%s'",
                      texts[i]);
    ck_assert_ptr_nonnull(lines_calls_find(calls, bytes_of("1")));
    free(calls);
}
END_TEST

START_TEST(places_that_come_later_leave_those_that_are_held)
{
    struct lines_calls *calls = calls_of(1);
    struct lines_call *first = lines_calls_add(calls, job(0));
    lines_calls_grow(calls, NULL, 3);
    ck_assert_ptr_ne(lines_calls_add(calls, job(1)), first);
    ck_assert_ptr_ne(lines_calls_add(calls, job(2)), first);
    ck_assert_int_eq(calls->held, 3);
    ck_assert_ptr_eq(find(calls, 1), first);
    ck_assert_ptr_eq(first->call, job(0));
    free(calls);
}
END_TEST

START_TEST(all_that_are_held_can_be_taken_out)
{
    struct lines_calls *calls = calls_of(5);
    struct lines_call *place;
    int count = 0;
    for (int i = 0; i < 4; i++)
        lines_calls_add(calls, job(i));
    lines_calls_remove(calls, &calls->places[1]);
    while ((place = lines_calls_first(calls)) != NULL)
        count += lines_calls_remove(calls, place) != NULL;
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(calls->held, 0);
    free(calls);
}
END_TEST

SUITE("lines_calls", each_of_a_thousand_is_found_by_its_handle,
      a_handle_is_never_used_twice, what_is_no_handle_finds_nothing,
      places_that_come_later_leave_those_that_are_held,
      all_that_are_held_can_be_taken_out)
