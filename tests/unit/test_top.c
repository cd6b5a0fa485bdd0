/* SPDX-License-Identifier: MIT */
#include "base/top.h"
#include "base/buf.h"
#include "suite.h"

static void offer(struct top *top, const char *name, int64_t value)
{
    top_offer(top, bytes_of(name), value, bytes_of("t"));
}

static void check_order(const struct top *top, const char *want)
{
    struct buf names = {0};
    for (size_t i = 0; i < top->count; i++) {
        buf_add(&names, top->at[i].name.at, top->at[i].name.len);
        ck_assert(bytes_is(top->at[i].text, "t"));
    }
    ck_assert_str_eq(buf_text(&names), want);
    buf_fini(&names);
}

START_TEST(the_greatest_are_kept_in_order)
{
    static const int64_t values[] = {5, -3, INT64_MIN, 7, INT64_MAX, 0, 6};
    struct top top = {.wanted = 4};
    check_order(&top, "");
    for (size_t i = 0; i < COUNT(values); i++) {
        char name[] = {(char)('a' + (int)i), '\0'};
        offer(&top, name, values[i]);
    }
    check_order(&top, "edga");
    ck_assert_int_eq(top.at[0].value, INT64_MAX);
    top_fini(&top);
    offer(&top, "x", INT64_MIN);
    check_order(&top, "x");
    top_fini(&top);
}
END_TEST

START_TEST(equal_ones_go_by_name)
{
    struct top top = {.wanted = 3};
    offer(&top, "b", 1);
    offer(&top, "aa", 1);
    offer(&top, "c", 1);
    offer(&top, "a", 1);
    offer(&top, "d", 1);
    check_order(&top, "aaab");
    offer(&top, "", 1);
    check_order(&top, "aaa");
    top_fini(&top);
}
END_TEST

START_TEST(what_comes_twice_stands_once)
{
    struct top top = {.wanted = 2};
    offer(&top, "a", 1);
    offer(&top, "b", 2);
    offer(&top, "a", 3);
    check_order(&top, "ab");
    offer(&top, "a", 3);
    check_order(&top, "ab");
    top_fini(&top);
}
END_TEST

START_TEST(none_are_kept_when_none_are_wanted)
{
    struct top top = {0};
    offer(&top, "a", 1);
    ck_assert_uint_eq(top.count, 0);
    top_fini(&top);
}
END_TEST

SUITE("top", the_greatest_are_kept_in_order, equal_ones_go_by_name,
      what_comes_twice_stands_once, none_are_kept_when_none_are_wanted)
