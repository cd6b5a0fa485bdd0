/* SPDX-License-Identifier: MIT */
#include "base/table.h"
#include "suite.h"

#include <string.h>

static const struct table_column columns[] = {
    {"NAME", "name", TABLE_TEXT},
    {"VALUE", "value", TABLE_INT},
    {"DIED", "died_ms", TABLE_TIME},
    {"AGE", "age_ms", TABLE_SPAN},
};

static const char *render(struct buf *out, enum table_mode mode, struct bytes name)
{
    struct table table;
    buf_reset(out);
    table_open(&table, mode, columns, COUNT(columns), out);
    table_text(&table, name);
    table_number(&table, 5);
    table_number(&table, INT64_C(1795266000003));
    table_number(&table, 90000);
    table_text(&table, bytes_of("é"));
    table_text(&table, bytes_of("-1234567"));
    table_number(&table, -1);
    table_number(&table, -1);
    table_close(&table);
    return buf_text(out);
}

START_TEST(aligned_it_has_a_header_and_numbers_to_the_right)
{
    struct buf out = {0};
    ck_assert_str_eq(render(&out, TABLE_ALIGNED, bytes_of("long name")),
                     "NAME          VALUE  DIED                        AGE\n"
                     "long name         5  2026-11-21T13:00:00.003Z  1m30s\n"
                     "é          -1234567  -                             -\n");
    buf_fini(&out);
}
END_TEST

START_TEST(with_tabs_it_has_no_header_and_bytes_as_they_are)
{
    struct buf out = {0};
    ck_assert_str_eq(render(&out, TABLE_TABS, bytes_of("/a\\x16%41\"")),
                     "/a\\x16%41\"\t5\t2026-11-21T13:00:00.003Z\t1m30s\n"
                     "é\t-1234567\t-\t-\n");
    buf_fini(&out);
}
END_TEST

START_TEST(more_is_told_in_json_alone_and_where_there_is_any)
{
    static const struct table_column some[] = {
        {"NAME", "name", TABLE_TEXT}, {"", "why", TABLE_MORE}, {"", "how", TABLE_MORE}};
    static const struct {
        enum table_mode mode;
        const char *want;
    } rows[] = {
        {TABLE_JSON, "{\"name\":\"a\",\"how\":\"7\"}\n{\"name\":\"b\"}\n"
                     "{\"name\":\"c\",\"why\":\"x\\n\",\"how\":\"y\"}\n"},
        {TABLE_TABS, "a\nb\nc\n"},
        {TABLE_ALIGNED, "NAME\na\nb\nc\n"},
    };
    static const char *const cells[] = {"a", "", "7", "b", "", "", "c", "x\n", "y"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct table table;
        struct buf out = {0};
        table_open(&table, rows[i].mode, some, COUNT(some), &out);
        for (size_t k = 0; k < COUNT(cells); k++)
            table_text(&table, bytes_of(cells[k]));
        table_close(&table);
        ck_assert_str_eq(buf_text(&out), rows[i].want);
        buf_fini(&out);
    }
}
END_TEST

START_TEST(as_json_each_row_is_an_object_with_times_in_milliseconds)
{
    struct buf out = {0};
    ck_assert_str_eq(
        render(&out, TABLE_JSON, bytes_of("a\"\\\n")),
        "{\"name\":\"a\\\"\\\\\\n\",\"value\":5,\"died_ms\":1795266000003,"
        "\"age_ms\":90000}\n"
        "{\"name\":\"é\",\"value\":-1234567,\"died_ms\":-1,\"age_ms\":-1}\n");
    buf_fini(&out);
}
END_TEST

START_TEST(a_terminal_gets_no_control_characters)
{
    struct buf out = {0};
    render(&out, TABLE_ALIGNED, (struct bytes){"a\x1b[2J\0\xff", 7});
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "a\\x1b[2J\\x00\\xff"));
    buf_fini(&out);
}
END_TEST

START_TEST(a_name_with_controls_keeps_its_line_whole_when_piped)
{
    struct buf out = {0};
    render(&out, TABLE_TABS, (struct bytes){"a\tb\n%c\0", 7});
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "a%09b%0A%25c%00\t5"));
    buf_fini(&out);
}
END_TEST

START_TEST(text_in_a_column_of_numbers_is_a_number_only_where_it_is_one)
{
    static const struct table_column one[] = {{"V", "v", TABLE_INT}};
    struct buf out = {0};
    struct table table;
    table_open(&table, TABLE_JSON, one, 1, &out);
    table_text(&table, bytes_of("9223372036854775807"));
    table_text(&table, bytes_of("9223372036854775808"));
    table_text(&table, bytes_of("x"));
    table_close(&table);
    ck_assert_str_eq(buf_text(&out), "{\"v\":9223372036854775807}\n"
                                     "{\"v\":\"9223372036854775808\"}\n{\"v\":\"x\"}\n");
    buf_fini(&out);
}
END_TEST

START_TEST(an_empty_list_is_a_header_for_people_and_nothing_for_programs)
{
    static const char *const want[] = {[TABLE_ALIGNED] = "NAME  VALUE  DIED  AGE\n",
                                       [TABLE_TABS] = "",
                                       [TABLE_JSON] = ""};
    for (int mode = TABLE_ALIGNED; mode <= TABLE_JSON; mode++) {
        struct buf out = {0};
        struct table table;
        table_open(&table, (enum table_mode)mode, columns, COUNT(columns), &out);
        table_close(&table);
        ck_assert_str_eq(buf_text(&out), want[mode]);
        buf_fini(&out);
    }
}
END_TEST

SUITE("table", aligned_it_has_a_header_and_numbers_to_the_right,
      with_tabs_it_has_no_header_and_bytes_as_they_are,
      as_json_each_row_is_an_object_with_times_in_milliseconds,
      more_is_told_in_json_alone_and_where_there_is_any,
      a_terminal_gets_no_control_characters,
      a_name_with_controls_keeps_its_line_whole_when_piped,
      text_in_a_column_of_numbers_is_a_number_only_where_it_is_one,
      an_empty_list_is_a_header_for_people_and_nothing_for_programs)
