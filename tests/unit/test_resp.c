/* SPDX-License-Identifier: MIT */
#include "support/resp.h"
#include "suite.h"

#include <string.h>

/* The lengths of the messages in a text, which they fill. */
static void check_ends(const char *text, const size_t *want, size_t count)
{
    struct resp resp = {0};
    size_t seen = 0, since = 0;
    for (const char *at = text; *at != '\0'; at++) {
        since++;
        if (!resp_see(&resp, *at))
            continue;
        ck_assert_uint_lt(seen, count);
        ck_assert_uint_eq(since, want[seen++]);
        since = 0;
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_uint_eq(since, 0);
}

#define ENDS(text, ...)                                                                  \
    check_ends(text, (const size_t[]){__VA_ARGS__},                                      \
               COUNT(((const size_t[]){__VA_ARGS__})))

START_TEST(a_message_of_one_line_ends_with_it)
{
    ENDS("+OK\r\n:-12\r\n-ERR 3 of $5\r\n", 5, 6, 14);
}
END_TEST

START_TEST(a_bulk_ends_behind_its_bytes_whatever_they_are)
{
    ENDS("$5\r\na\r\n*2\r\n$0\r\n\r\n$-1\r\n", 11, 6, 5);
}
END_TEST

START_TEST(an_array_ends_with_its_last_value)
{
    ENDS("*2\r\n$4\r\nPING\r\n:1\r\n*0\r\n*-1\r\n", 18, 4, 5);
}
END_TEST

START_TEST(arrays_may_hold_arrays)
{
    ENDS("*3\r\n*1\r\n:1\r\n*0\r\n*2\r\n$-1\r\n+a\r\n:2\r\n", 29, 4);
}
END_TEST

SUITE("resp", a_message_of_one_line_ends_with_it,
      a_bulk_ends_behind_its_bytes_whatever_they_are, an_array_ends_with_its_last_value,
      arrays_may_hold_arrays)
