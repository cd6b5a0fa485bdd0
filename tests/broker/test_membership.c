/* SPDX-License-Identifier: MIT */
/* What the fleet knows of itself: who lives, whose jobs were taken back, which
 * protocol. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

enum { TEN_MINUTES_MS = 600000 };

static int64_t beat(struct rig *rig, const char *worker, const char *record)
{
    script_beat(&rig->client.cmd, worker, record);
    return reply_int(rig_ask(rig), -1);
}

/* When a worker was seen, `ago_ms` before now. */
static void seen(struct rig *rig, const char *worker, int64_t ago_ms)
{
    ASK(rig, "ZADD", SEEN_KEY,
        rig_format(rig, "%lld", (long long)(rig_now_ms(rig) - ago_ms)), worker);
}

START_TEST(a_beat_keeps_the_record_and_when_it_came)
{
    struct rig rig = {0};
    rig_start(&rig);
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(beat(&rig, "w", "{1}"), 0);
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "w"), "{1}");
    ck_assert_int_eq(beat(&rig, "w", "{2}"), 0);
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "w"), "{2}");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", WORKERS_KEY), 1);
    ck_assert_int_ge(ASK_INT(&rig, "ZSCORE", SEEN_KEY, "w"), before_ms);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_beat_of_anyone_removes_the_records_of_those_gone_for_ten_minutes)
{
    struct rig rig = {0};
    rig_start(&rig);
    beat(&rig, "lost", "{}");
    beat(&rig, "gone", "{}");
    ASK(&rig, "HSET", WORKERS_KEY, "older version", "{}");
    seen(&rig, "lost", TEN_MINUTES_MS - 60000);
    seen(&rig, "gone", TEN_MINUTES_MS + 1);
    seen(&rig, "said goodbye", TEN_MINUTES_MS + 1);
    ck_assert_int_eq(beat(&rig, "w", "{}"), 2);
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "gone"), "-");
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "lost"), "{}");
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "w"), "{}");
    ck_assert_str_eq(rig_field(&rig, WORKERS_KEY, "older version"), "{}");
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", SEEN_KEY), 2);
    ck_assert_int_eq(beat(&rig, "w", "{}"), 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_beat_removes_no_more_than_a_hundred)
{
    struct rig rig = {0};
    rig_start(&rig);
    cmd_set(&rig.client.cmd, "ZADD", SEEN_KEY, NULL);
    for (int i = 0; i < 150; i++) {
        cmd_add_int(&rig.client.cmd, i);
        cmd_addf(&rig.client.cmd, "w%d", i);
    }
    rig_ask(&rig);
    ck_assert_int_eq(beat(&rig, "w", "{}"), 100);
    ck_assert_int_eq(beat(&rig, "w", "{}"), 50);
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", SEEN_KEY), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(reap_tells_which_leases_it_took_and_how_many_jobs)
{
    struct rig rig = {0};
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 6);
    rig_reserve(&rig, "w1:1", 2);
    rig_reserve(&rig, "w2:9", 3);
    rig_reserve(&rig, "w3:4", 1);
    rig_expire(&rig, "w1:1");
    rig_expire(&rig, "w2:9");
    ck_assert_int_eq(rig_reap(&rig, 5), 5);
    const struct redisReply *taken = reply_at(rig.client.reply, 5);
    ck_assert_uint_eq(reply_count(taken), 4);
    ck_assert(bytes_is(reply_bytes(reply_at(taken, 0)), "w1:1"));
    ck_assert_int_eq(reply_int(reply_at(taken, 1), -1), 2);
    ck_assert(bytes_is(reply_bytes(reply_at(taken, 2)), "w2:9"));
    ck_assert_int_eq(reply_int(reply_at(taken, 3), -1), 3);
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    ck_assert_uint_eq(reply_count(reply_at(rig.client.reply, 5)), 0);
    rig_stop(&rig);
}
END_TEST

static int64_t lost(struct rig *rig, const char *worker, const char *jobs,
                    const char *other, const char *other_jobs)
{
    script_lost(&rig->client.cmd);
    return reply_int(
        rig_words(rig, (const char *const[]){worker, jobs, other, other_jobs, NULL}), -1);
}

/* A note without its time. */
static const char *jobs_of(struct rig *rig, const char *worker)
{
    const char *note = rig_field(rig, LOST_KEY, worker);
    return rig_text(rig, (struct bytes){note, strcspn(note, " ")});
}

START_TEST(jobs_taken_back_from_a_worker_add_up)
{
    struct rig rig = {0};
    rig_start(&rig);
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(lost(&rig, "w1", "2", "w2", "3"), 2);
    ck_assert_int_eq(lost(&rig, "w2", "40", "w2", "100"), 2);
    ck_assert_str_eq(jobs_of(&rig, "w1"), "2");
    ck_assert_str_eq(jobs_of(&rig, "w2"), "143");
    int64_t at_ms = strtoll(strchr(rig_field(&rig, LOST_KEY, "w2"), ' '), NULL, 10);
    ck_assert_int_ge(at_ms, before_ms);
    ck_assert_int_le(at_ms, rig_now_ms(&rig));
    rig_stop(&rig);
}
END_TEST

START_TEST(notes_of_the_lost_are_kept_for_ten_minutes)
{
    struct rig rig = {0};
    rig_start(&rig);
    long long now_ms = (long long)rig_now_ms(&rig);
    ASK(&rig, "HSET", LOST_KEY, "young", rig_format(&rig, "1 %lld", now_ms - 500000),
        "old", rig_format(&rig, "1 %lld", now_ms - TEN_MINUTES_MS - 1), "odd", "x");
    ck_assert_int_eq(lost(&rig, "old", "7", "w", "1"), 3);
    ck_assert_str_eq(jobs_of(&rig, "young"), "1");
    ck_assert_str_eq(jobs_of(&rig, "old"), "7"); /* begins anew */
    ck_assert_str_eq(jobs_of(&rig, "odd"), "-");
    ck_assert_int_gt(ASK_INT(&rig, "PTTL", LOST_KEY), TEN_MINUTES_MS - 60000);
    ck_assert_int_le(ASK_INT(&rig, "PTTL", LOST_KEY), TEN_MINUTES_MS);
    rig_stop(&rig);
}
END_TEST

static int64_t protocol(struct rig *rig, int number)
{
    script_protocol(&rig->client.cmd, number);
    return reply_int(rig_ask(rig), -1);
}

START_TEST(the_highest_protocol_stays)
{
    struct rig rig = {0};
    rig_start(&rig);
    ck_assert_int_eq(protocol(&rig, 2), 2);
    ck_assert_int_eq(protocol(&rig, 10), 10);
    ck_assert_int_eq(protocol(&rig, 3), 10);
    ck_assert_int_eq(ASK_INT(&rig, "GET", PROTOCOL_KEY), 10);
    rig_stop(&rig);
}
END_TEST

/* What is there stays; who calls is told which key it is. */
START_TEST(keys_that_hold_something_else_are_left_alone)
{
    struct rig rig = {0};
    rig_start(&rig);
    ASK(&rig, "SET", WORKERS_KEY, "x");
    ASK(&rig, "SET", LOST_KEY, "x");
    ASK(&rig, "SET", PROTOCOL_KEY, "12a");
    const char *before = rig_digest(&rig);
    script_beat(&rig.client.cmd, "w", "{}");
    rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
    script_lost(&rig.client.cmd);
    rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
    script_protocol(&rig.client.cmd, 1);
    rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

SUITE("membership", a_beat_keeps_the_record_and_when_it_came,
      a_beat_of_anyone_removes_the_records_of_those_gone_for_ten_minutes,
      one_beat_removes_no_more_than_a_hundred,
      reap_tells_which_leases_it_took_and_how_many_jobs,
      jobs_taken_back_from_a_worker_add_up, notes_of_the_lost_are_kept_for_ten_minutes,
      the_highest_protocol_stays, keys_that_hold_something_else_are_left_alone)
