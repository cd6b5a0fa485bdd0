/* SPDX-License-Identifier: MIT */
/* COUNT, TRIM, REQUEUE, REMOVE and PURGE: what is kept, and what an operator does with
 * it. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

/* Let one job of each payload die, the first first. */
static void die(const char *const *payloads, int n)
{
    for (int i = 0; i < n; i++) {
        ASK(&rig, "ZADD", rig.queue.dead, rig_format(&rig, "%d", 1000 + i), payloads[i]);
        rig.pushed++;
    }
}

#define DIE(...)                                                                         \
    die((const char *const[]){__VA_ARGS__},                                              \
        (int)COUNT(((const char *const[]){__VA_ARGS__})))

/* ---- count ------------------------------------------------------------------------- */

START_TEST(count_tells_every_place_of_a_queue)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 7);
    rig_reserve(&rig, "L1", 1);
    rig_push_n(&rig, rig.queue.high, 1, 2);
    rig_push_n(&rig, rig.queue.staging, 1, 3);
    rig_push_n(&rig, rig.queue.suspects, 1, 4);
    rig_push_n(&rig, rig.queue.bad, 1, 5);
    DIE("a", "b", "c");
    int64_t now_ms = rig_now_ms(&rig);
    ASK(&rig, "ZADD", rig.queue.sched, rig_format(&rig, "%lld", (long long)now_ms + 4000),
        "soon", rig_format(&rig, "%lld", (long long)now_ms + 90000), "later");
    const char *before = rig_digest(&rig);
    script_count(&rig.client.cmd, &rig.queue, 5000);
    const struct redisReply *reply = rig_ask(&rig);
    static const int64_t want[] = {6, 2, 3, 4, 1, 2, 1};
    for (size_t i = 0; i < COUNT(want); i++)
        ck_assert_int_eq(reply_int(reply_at(reply, i), -9), want[i]);
    int64_t next_ms = reply_int(reply_at(reply, 7), -9);
    ck_assert_int_gt(next_ms, 0);
    ck_assert_int_le(next_ms, 4000);
    ck_assert_int_eq(reply_int(reply_at(reply, 8), -9), 3);
    ck_assert_int_eq(reply_int(reply_at(reply, 9), -9), 5);
    ck_assert_int_ge(reply_int(reply_at(reply, 10), -9), now_ms);
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 11)), "2"));
    ck_assert_int_eq(reply_int(reply_field(reply_at(reply, 12), "res"), -9), 1);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(count_of_a_queue_that_does_not_exist_is_all_zero)
{
    rig_start(&rig);
    script_count(&rig.client.cmd, &rig.queue, 5000);
    const struct redisReply *reply = rig_ask(&rig);
    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(reply_int(reply_at(reply, i), -9), i == 7 ? -1 : 0);
    ck_assert_uint_eq(reply_count(reply_at(reply, 12)), 0);
    rig_stop(&rig);
}
END_TEST

/* ---- trim -------------------------------------------------------------------------- */

static int64_t trim(const char *dead, const char *bad, const char *at_most)
{
    script_trim(&rig.client.cmd, &rig.queue);
    rig.client.cmd.count -= 3; /* bounds that a test can reach */
    return reply_int(rig_words(&rig, (const char *const[]){dead, bad, at_most, NULL}),
                     -9);
}

START_TEST(trim_drops_the_oldest_beyond_the_caps_and_counts_them)
{
    rig_start(&rig);
    DIE("a", "b", "c", "d", "e");
    rig_push_n(&rig, rig.queue.bad, 1, 4);
    ck_assert_int_eq(trim("2", "1", "100"), 6);
    EXPECT_ZSET(&rig, rig.queue.dead, "d", "e");
    EXPECT_LIST(&rig, rig.queue.bad, "4");
    ck_assert_int_eq(rig_meta(&rig, "trimmed_dead"), 3);
    ck_assert_int_eq(rig_meta(&rig, "trimmed_bad"), 3);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(trim_within_the_caps_changes_nothing)
{
    rig_start(&rig);
    DIE("a", "b");
    rig_push_n(&rig, rig.queue.bad, 1, 2);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(trim("2", "2", "100"), 0);
    ck_assert_int_eq(trim("100", "100", "100"), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_trim_drops_no_more_than_asked)
{
    rig_start(&rig);
    DIE("a", "b", "c", "d");
    rig_push_n(&rig, rig.queue.bad, 1, 4);
    ck_assert_int_eq(trim("0", "0", "3"), 6);
    rig_expect_books(&rig);
    ck_assert_int_eq(trim("0", "0", "3"), 2);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* ---- requeue and remove ------------------------------------------------------------ */

static int64_t requeue(const char *kind, const char *entry, const char *pushed)
{
    script_requeue(&rig.client.cmd, &rig.queue, kind, bytes_of(entry), bytes_of(pushed));
    return reply_int(rig_ask(&rig), -9);
}

static int64_t remove_entry(const char *kind, const char *entry)
{
    script_remove(&rig.client.cmd, &rig.queue, kind, bytes_of(entry));
    return reply_int(rig_ask(&rig), -9);
}

START_TEST(a_dead_job_is_requeued_once)
{
    rig_start(&rig);
    DIE("R1 a 0 9\nx", "R1 b 0 9\nx");
    ck_assert_int_eq(requeue("dead", "R1 a 0 9\nx", "R1 a 0 0\nx"), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(requeue("dead", "R1 a 0 9\nx", "R1 a 0 0\nx"), 0);
    ck_assert_int_eq(requeue("bad", "R1 b 0 9\nx", "R1 b 0 0\nx"), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    EXPECT_LIST(&rig, rig.queue.list, "R1 a 0 0\nx");
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 b 0 9\nx");
    ck_assert_int_eq(rig_meta(&rig, "requeued"), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(of_equal_quarantined_entries_one_is_taken)
{
    rig_start(&rig);
    for (int i = 0; i < 3; i++)
        rig_push(&rig, rig.queue.bad, "{broken");
    ck_assert_int_eq(requeue("bad", "{broken", "{broken"), 1);
    ck_assert_int_eq(remove_entry("bad", "{broken"), 1);
    EXPECT_LIST(&rig, rig.queue.bad, "{broken");
    EXPECT_LIST(&rig, rig.queue.list, "{broken");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(removing_is_counted_and_needs_the_exact_bytes)
{
    rig_start(&rig);
    DIE("R1 a 0 9\nx");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(remove_entry("dead", "R1 a 0 9\ny"), 0);
    ck_assert_int_eq(remove_entry("bad", "R1 a 0 9\nx"), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(remove_entry("dead", "R1 a 0 9\nx"), 1);
    ck_assert_int_eq(rig_meta(&rig, "removed"), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_costs_no_kept_job)
{
    const char *const keys[] = {rig.queue.list, rig.queue.meta};
    rig_start(&rig);
    DIE("R1 a 0 9\nx", "R1 b 0 9\nx");
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        script_requeue(&rig.client.cmd, &rig.queue, "dead", bytes_of("R1 a 0 9\nx"),
                       bytes_of("x"));
        rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
        if (i == 1) {
            script_remove(&rig.client.cmd, &rig.queue, "dead", bytes_of("R1 a 0 9\nx"));
            rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
            script_trim(&rig.client.cmd, &rig.queue);
            rig.client.cmd.count -= 3;
            rig_expect_refused(
                &rig, rig_words(&rig, (const char *const[]){"0", "0", "9", NULL}),
                LEAT_EFOREIGN, "WRONGTYPE");
        }
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
    }
    rig_stop(&rig);
}
END_TEST

/* ---- purge ------------------------------------------------------------------------- */

static int64_t purge(int64_t jobs_max)
{
    script_purge(&rig.client.cmd, &rig.queue, jobs_max);
    return reply_int(rig_ask(&rig), -9);
}

START_TEST(purge_deletes_what_waits_and_nothing_else)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 41);
    rig_reserve(&rig, "L1", 1);
    rig_push_n(&rig, rig.queue.high, 1, 2);
    rig_push_n(&rig, rig.queue.staging, 1, 3);
    rig_push_n(&rig, rig.queue.suspects, 1, 4);
    rig_push_n(&rig, rig.queue.bad, 1, 5);
    DIE("a");
    ASK(&rig, "ZADD", rig.queue.sched, "1", "b");
    rig.pushed++;
    ck_assert_int_eq(purge(500), 49);
    ck_assert_int_eq(rig_meta(&rig, "purged"), 49);
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.bad), 5);
    EXPECT_ZSET(&rig, rig.queue.dead, "a");
    EXPECT_ZSET(&rig, rig.queue.sched, "b");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.body), 1);
    rig_expect_books(&rig);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(purge(500), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_purge_deletes_no_more_than_asked_the_oldest_first)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 20);
    rig_push_n(&rig, rig.queue.high, 21, 2);
    ck_assert_int_eq(purge(17), 17);
    EXPECT_LIST(&rig, rig.queue.list, "18", "19", "20");
    rig_expect_books(&rig);
    ck_assert_int_eq(purge(4), 4);
    EXPECT_LIST(&rig, rig.queue.high, "22");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(purge_leaves_a_queue_alone_that_has_a_foreign_key)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 3);
    ASK(&rig, "SET", rig.queue.suspects, "somebody's");
    const char *before = rig_digest(&rig);
    script_purge(&rig.client.cmd, &rig.queue, 500);
    rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

SUITE("keep", count_tells_every_place_of_a_queue,
      count_of_a_queue_that_does_not_exist_is_all_zero,
      trim_drops_the_oldest_beyond_the_caps_and_counts_them,
      trim_within_the_caps_changes_nothing, one_trim_drops_no_more_than_asked,
      a_dead_job_is_requeued_once, of_equal_quarantined_entries_one_is_taken,
      removing_is_counted_and_needs_the_exact_bytes,
      a_key_of_the_wrong_type_costs_no_kept_job,
      purge_deletes_what_waits_and_nothing_else,
      one_purge_deletes_no_more_than_asked_the_oldest_first,
      purge_leaves_a_queue_alone_that_has_a_foreign_key)
