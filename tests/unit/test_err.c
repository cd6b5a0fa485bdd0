/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "suite.h"

#include <string.h>

START_TEST(the_first_error_wins)
{
    struct err err = {0};
    ck_assert_int_eq(err_set(&err, LEAT_EDATA, "cause %d", 1), LEAT_EDATA);
    ck_assert_int_eq(err_set(&err, LEAT_ELINK, "clean-up failed too"), LEAT_ELINK);
    ck_assert_int_eq(err.code, LEAT_EDATA);
    ck_assert_str_eq(err.text, "cause 1");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
    ck_assert_int_eq(err_set(NULL, LEAT_EBUSY, "unheard"), LEAT_EBUSY);
}
END_TEST

START_TEST(long_texts_are_cut_and_terminated)
{
    struct err err = {0};
    err_set(&err, LEAT_EDATA, "%2000d", 1);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
}
END_TEST

START_TEST(a_text_stays_on_one_line_whatever_went_in)
{
    struct err err = {0};
    err_set(&err, LEAT_EDATA, "not %s", "a\r\nb\t\x1b[2J\x7f é");
    ck_assert_str_eq(err.text, "not a??b??[2J? é");
}
END_TEST

START_TEST(every_code_has_its_exit_status)
{
    static const struct {
        int code, exit_status;
    } rows[] = {{LEAT_OK, 0},        {LEAT_ENO, 1},      {LEAT_EUSAGE, 64},
                {LEAT_EDATA, 65},    {LEAT_ELINK, 69},   {LEAT_EBUG, 70},
                {LEAT_EBUSY, 75},    {LEAT_EDENIED, 77}, {LEAT_ECONFIG, 78},
                {LEAT_ETIMEOUT, 124}};
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_int_eq(err_exit_status(rows[i].code), rows[i].exit_status);
}
END_TEST

START_TEST(a_code_out_of_the_table_is_a_bug)
{
    ck_assert_int_eq(err_exit_status(-999), 70);
    ck_assert_int_eq(err_exit_status(1), 70);
    ck_assert_str_eq(err_meaning(-999), "unknown error");
    ck_assert_str_eq(err_meaning(LEAT_ELINK), "Redis unreachable");
}
END_TEST

SUITE("err", the_first_error_wins, nobody_has_to_listen,
      long_texts_are_cut_and_terminated, a_text_stays_on_one_line_whatever_went_in,
      every_code_has_its_exit_status, a_code_out_of_the_table_is_a_bug)
