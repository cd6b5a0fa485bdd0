/* SPDX-License-Identifier: MIT */
#include "dashboard/etag.h"
#include "suite.h"

static const struct {
    const char *list, *etag;
    int listed;
} rows[] = {
    {"\"a\"", "\"a\"", 1},
    {"\"a\"", "\"b\"", 0},
    {"*", "\"a\"", 1},
    {"W/\"a\"", "\"a\"", 1},
    {"\"a\"", "W/\"a\"", 1},
    {"\"x\", \"a\"", "\"a\"", 1},
    {"\"x\" ,W/\"a\",", "\"a\"", 1},
    {"\"x, y\", \"a\"", "\"x, y\"", 1},
    {"\"x, y\"", "\"x", 0},
    {"\"ab\"", "\"a\"", 0},
    {"a", "a", 1},
    {"a, b", "b", 1},
    {"", "\"a\"", 0},
    {" , ", "\"a\"", 0},
    {"\"a", "\"a\"", 0},
    {"\"\"", "\"\"", 1},
    {"W/", "\"a\"", 0},
    {"\"*\"", "\"a\"", 0},
};

START_TEST(a_list_of_tags_names_those_in_it_weak_or_strong)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(etag_is_listed(rows[i].list, rows[i].etag) == rows[i].listed,
                      "%s in %s", rows[i].etag, rows[i].list);
}
END_TEST

SUITE("etag", a_list_of_tags_names_those_in_it_weak_or_strong)
