/* SPDX-License-Identifier: MIT */
#include "schema/queue.h"
#include "suite.h"

#include <string.h>

#define NAME_64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789.-_xyz"

START_TEST(keys_are_built_from_the_name)
{
    struct queue queue;
    ck_assert_int_eq(queue_init(&queue, "mail", NULL), LEAT_OK);
    ck_assert_str_eq(queue.name, "mail");
    ck_assert_str_eq(queue.list, "leat:mail");
    ck_assert_str_eq(queue.high, "{leat:mail}:high");
    ck_assert_str_eq(queue.staging, "{leat:mail}:h");
    ck_assert_str_eq(queue.suspects, "{leat:mail}:s");
    ck_assert_str_eq(queue.bad, "{leat:mail}:bad");
    ck_assert_str_eq(queue.lease, "{leat:mail}:lease");
    ck_assert_str_eq(queue.body, "{leat:mail}:body");
    ck_assert_str_eq(queue.sched, "{leat:mail}:sched");
    ck_assert_str_eq(queue.dead, "{leat:mail}:dead");
    ck_assert_str_eq(queue.fail, "{leat:mail}:fail");
    ck_assert_str_eq(queue.meta, "{leat:mail}:m");
    ck_assert_str_eq(queue.counters, "{leat:mail}:counters");
    ck_assert_str_eq(queue.slot, "{leat:mail}:slot");
    ck_assert_str_eq(queue.again, "{leat:mail}:again");
    ck_assert_str_eq(queue.ctl, "{leat:mail}:ctl");
}
END_TEST

START_TEST(the_longest_name_fits_into_every_key)
{
    struct queue queue;
    ck_assert_uint_eq(strlen(NAME_64), LIMIT_QUEUE_NAME_BYTES);
    ck_assert_int_eq(queue_init(&queue, NAME_64, NULL), LEAT_OK);
    ck_assert_str_eq(queue.list, "leat:" NAME_64);
    ck_assert_str_eq(queue.prefix, "{leat:" NAME_64 "}:");
#define X(member, suffix) ck_assert_str_eq(queue.member, "{leat:" NAME_64 "}" suffix);
    QUEUE_KEYS(X)
#undef X
}
END_TEST

START_TEST(all_keys_carry_the_hash_tag_of_the_list)
{
    /* The tag `{leat:mail}` hashes as the whole key `leat:mail` does. */
    struct queue queue;
    queue_init(&queue, "mail", NULL);
#define X(member, suffix) ck_assert(strncmp(queue.member, "{leat:mail}:", 12) == 0);
    QUEUE_KEYS(X)
#undef X
}
END_TEST

START_TEST(names_outside_the_alphabet_are_refused_as_wrong_usage)
{
    static const char *const rows[] = {
        "", " ", "a b", "a:b", "{a}", "a}", "a/b", "a\n", "é", "a*", "a,b", NAME_64 "1",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct queue queue = {.name = "before"};
        struct err err = {0};
        ck_assert_msg(queue_init(&queue, rows[i], &err) == LEAT_EUSAGE, "'%s'", rows[i]);
        ck_assert_str_eq(queue.name, "before");
        ck_assert_ptr_nonnull(strstr(err.text, "1 to 64 of A-Z a-z 0-9 . _ -"));
        ck_assert_ptr_null(strchr(err.text, '\n'));
    }
}
END_TEST

START_TEST(a_cache_key_takes_any_bytes)
{
    struct arena arena = {0};
    struct queue queue;
    queue_init(&queue, "q", NULL);
    struct bytes key = queue_cache_key(&queue, (struct bytes){"a\0}\xff", 4}, &arena);
    ck_assert(bytes_equal(key, (struct bytes){"{leat:q}:cache:a\0}\xff", 19}));
    key = queue_cache_key(&queue, (struct bytes){NULL, 0}, &arena);
    ck_assert(bytes_is(key, "{leat:q}:cache:"));
    arena_fini(&arena);
}
END_TEST

START_TEST(a_producer_has_a_key_of_its_own)
{
    struct arena arena = {0};
    struct queue queue;
    queue_init(&queue, "q", NULL);
    ck_assert_str_eq(queue_producer_key(&queue, "abc", &arena), "{leat:q}:p:abc");
    arena_fini(&arena);
}
END_TEST

SUITE("queue", keys_are_built_from_the_name, the_longest_name_fits_into_every_key,
      all_keys_carry_the_hash_tag_of_the_list,
      names_outside_the_alphabet_are_refused_as_wrong_usage, a_cache_key_takes_any_bytes,
      a_producer_has_a_key_of_its_own)
