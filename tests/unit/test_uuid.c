/* SPDX-License-Identifier: MIT */
#include "schema/uuid.h"
#include "suite.h"

#include <string.h>

enum { MANY = 20000 };

static const int64_t some_ms = INT64_C(1700000000123);

START_TEST(an_id_is_36_characters_of_version_7)
{
    struct uuid_maker maker = {0};
    char id[UUID_CHARS + 1];
    for (int i = 0; i < 200; i++) {
        uuid_make(&maker, some_ms, id);
        ck_assert_uint_eq(strlen(id), UUID_CHARS);
        ck_assert_uint_eq(strspn(id, "0123456789abcdef-"), UUID_CHARS);
        ck_assert(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
        ck_assert_int_eq(id[14], '7');
        ck_assert_ptr_nonnull(strchr("89ab", id[19]));
    }
}
END_TEST

START_TEST(the_time_can_be_read_back)
{
    static const int64_t rows[] = {1, 1700000000123, (INT64_C(1) << 48) - 1};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct uuid_maker maker = {0};
        char id[UUID_CHARS + 1];
        uuid_make(&maker, rows[i], id);
        ck_assert_int_eq(uuid_time_ms(bytes_of(id)), rows[i]);
    }
}
END_TEST

/* Make many ids at the times that `clock` tells; each must sort behind the one before. */
static void check_order(int64_t (*clock)(int))
{
    struct uuid_maker maker = {0};
    char before[UUID_CHARS + 1] = "", id[UUID_CHARS + 1];
    for (int i = 0; i < MANY; i++) {
        uuid_make(&maker, clock(i), id);
        ck_assert_msg(strcmp(before, id) < 0, "%d: %s, then %s", i, before, id);
        memcpy(before, id, sizeof id);
    }
}

static int64_t clock_standing(int i)
{
    (void)i;
    return some_ms;
}

static int64_t clock_stepping_back(int i)
{
    return i < MANY / 2 ? some_ms + i / 10 : some_ms - 3600000 + i;
}

static int64_t clock_running_backwards(int i)
{
    return some_ms - i;
}

static int64_t clock_before_the_epoch(int i)
{
    return -1000 - i;
}

START_TEST(ids_sort_in_the_order_they_were_made_whatever_the_clock_does)
{
    check_order(clock_standing);
    check_order(clock_stepping_back);
    check_order(clock_running_backwards);
    check_order(clock_before_the_epoch);
}
END_TEST

START_TEST(more_ids_than_the_counter_holds_borrow_from_the_next_millisecond)
{
    struct uuid_maker maker = {0};
    char id[UUID_CHARS + 1];
    for (int i = 0; i < 4096; i++)
        uuid_make(&maker, some_ms, id);
    ck_assert_int_eq(uuid_time_ms(bytes_of(id)), some_ms);
    uuid_make(&maker, some_ms, id);
    ck_assert_int_eq(uuid_time_ms(bytes_of(id)), some_ms + 1);
}
END_TEST

START_TEST(two_makers_at_the_same_instant_make_different_ids)
{
    struct uuid_maker one = {0}, other = {0};
    char a[UUID_CHARS + 1], b[UUID_CHARS + 1];
    uuid_make(&one, some_ms, a);
    uuid_make(&other, some_ms, b);
    ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(what_is_no_uuid_of_version_7_has_no_time)
{
    static const char *const rows[] = {
        "",
        "018bcfe5-687b-7000-8000-00000000000",
        "018bcfe5-687b-7000-8000-0000000000000",
        "018bcfe5-687b-4000-8000-000000000000",
        "018bcfe5-687b-7000-0000-000000000000",
        "018bcfe5-687b-7000-c000-000000000000",
        "018bcfe5-687b-7000-8000-00000000000g",
        "018bcfe5-687b-7000-8000-0000000000 0",
        "018bcfe5+687b-7000-8000-000000000000",
        "018bcfe56-87b-7000-8000-000000000000",
        "018bcfe5-687b-7000-8000000-000000000",
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(uuid_time_ms(bytes_of(rows[i])) == -1, "%s", rows[i]);
    ck_assert_int_eq(uuid_time_ms(bytes_of("018BCFE5-687B-7000-8000-000000000000")),
                     some_ms);
}
END_TEST

SUITE("uuid", an_id_is_36_characters_of_version_7, the_time_can_be_read_back,
      ids_sort_in_the_order_they_were_made_whatever_the_clock_does,
      more_ids_than_the_counter_holds_borrow_from_the_next_millisecond,
      two_makers_at_the_same_instant_make_different_ids,
      what_is_no_uuid_of_version_7_has_no_time)
