/* SPDX-License-Identifier: MIT */
/* READ, and what LAND leaves for it: who reads a copy, how it is counted, who asks
 * again. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

#define URL "http://a/"
#define JOB "{\"type\":\"refresh\",\"args\":{\"url\":\"http://a/\"}}"

static const char *copy_key(void)
{
    return rig_text(&rig, rig_cache_key(&rig, URL));
}

static const struct redisReply *ask(int is_counted, int has_waited)
{
    script_read(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, URL), is_counted,
                has_waited);
    return rig_ask(&rig);
}

static const char *state(int is_counted, int has_waited)
{
    return rig_text(&rig, reply_bytes(reply_at(ask(is_counted, has_waited), 0)));
}

static const char *job_given(void)
{
    return rig_text(&rig, reply_bytes(reply_at(ask(0, 0), 4)));
}

/* Begin a flight: the job is leased under `own`. */
static void fly(const char *job, const char *lease, const char *own)
{
    rig_push(&rig, rig.queue.list, job);
    ck_assert_int_eq(rig_reserve(&rig, lease, 1), 1);
    ck_assert_str_eq(
        rig_claim(&rig, lease, URL, rig_format(&rig, "R1 %s.0 0 0", lease), own, "0"),
        "run");
}

static void land(const char *own, const char *max_age_ms)
{
    ck_assert_int_eq(reply_int(LAND(&rig, URL, own, "store", "\"v\"", max_age_ms,
                                    "7200000", "the page", "text/html", "then", "200"),
                               -9),
                     1);
    rig_expect_books(&rig);
}

static void grow_stale(void)
{
    ASK(&rig, "HSET", copy_key(), "fetched", "1", "fresh", "2", "asked", "3");
}

static void expect_counts(int64_t hits, int64_t stale, int64_t misses)
{
    const struct redisReply *kept =
        ASK(&rig, "HMGET", copy_key(), "hits", "stale", "misses");
    ck_assert_int_eq(reply_int(reply_at(kept, 0), 0), hits);
    ck_assert_int_eq(reply_int(reply_at(kept, 1), 0), stale);
    ck_assert_int_eq(reply_int(reply_at(kept, 2), 0), misses);
    ck_assert_int_eq(rig_meta(&rig, "hits"), hits);
    ck_assert_int_eq(rig_meta(&rig, "stale"), stale);
    ck_assert_int_eq(rig_meta(&rig, "misses"), misses);
}

START_TEST(an_unknown_key_leaves_nothing_behind)
{
    rig_start(&rig);
    const char *before = rig_digest(&rig);
    ck_assert_str_eq(state(0, 0), "unknown");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_reader_of_a_copy_under_way_is_counted_once_and_the_copy_keeps_the_count)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    ck_assert_str_eq(state(0, 0), "pending");
    ck_assert_str_eq(state(1, 1), "pending");
    expect_counts(0, 0, 1);
    ck_assert_int_gt(ASK_INT(&rig, "PTTL", copy_key()), 0);
    land("N1", "3600000");
    ck_assert_str_eq(state(1, 1), "miss");
    expect_counts(0, 0, 1);
    ck_assert_str_eq(state(0, 1), "miss"); /* waited before anybody flew */
    ck_assert_str_eq(state(0, 0), "hit");
    expect_counts(1, 0, 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_flight_whose_lease_is_gone_is_not_pending)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    RELEASE(&rig, "N1");
    ck_assert_str_eq(state(0, 0), "unknown");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_retry_that_waits_is_pending_until_its_time_is_over)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    SETTLE(&rig, "N1", "r", "0", "R1 L1.0 0 1", "1000");
    ck_assert_str_eq(state(0, 0), "pending");
    const struct redisReply *fields = ASK(&rig, "HKEYS", rig.queue.slot);
    const char *field = rig_text(&rig, reply_bytes(reply_at(fields, 0)));
    ASK(&rig, "HSET", rig.queue.slot, field, "L1.0 - 1");
    ck_assert_str_eq(state(0, 0), "unknown");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_copy_comes_whole_with_the_times_it_is_judged_by)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    land("N1", "3600000");
    const struct redisReply *reply = ask(0, 0);
    const struct redisReply *copy = reply_at(reply, 3);
    static const char *const want[] = {"the page", "text/html", "\"v\""};
    for (size_t i = 0; i < COUNT(want); i++)
        ck_assert(bytes_is(reply_bytes(reply_at(copy, i)), want[i]));
    ck_assert_int_eq(reply_int(reply_at(copy, 4), 0),
                     reply_int(reply_at(copy, 3), 0) + 3600000);
    ck_assert(bytes_is(reply_bytes(reply_at(copy, 5)), "then"));
    ck_assert_int_ge(reply_int(reply_at(reply, 1), 0), reply_int(reply_at(copy, 3), 0));
    ck_assert_int_gt(reply_int(reply_at(reply, 2), 0), 7100000);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_reader_of_a_stale_copy_in_ten_seconds_gets_the_job)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    land("N1", "3600000");
    ck_assert_str_eq(job_given(), "");
    grow_stale();
    ck_assert_str_eq(job_given(), JOB);
    ck_assert_str_eq(job_given(), "");
    ASK(&rig, "HINCRBY", copy_key(), "asked", "-9000");
    ck_assert_str_eq(job_given(), "");
    ASK(&rig, "HINCRBY", copy_key(), "asked", "-1000");
    ck_assert_str_eq(job_given(), JOB);
    expect_counts(1, 4, 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(nobody_gets_the_job_while_a_flight_is_under_way)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    land("N1", "3600000");
    grow_stale();
    fly(JOB, "L2", "N2");
    ck_assert_str_eq(job_given(), "");
    RELEASE(&rig, "N2");
    ck_assert_str_eq(job_given(), JOB);
    rig_stop(&rig);
}
END_TEST

START_TEST(it_changed_leaves_the_copy_its_freshness_and_its_job)
{
    rig_start(&rig);
    fly("first", "L1", "N1");
    land("N1", "0"); /* knows no better */
    ck_assert_str_eq(rig_field(&rig, copy_key(), "job"), "first");
    ck_assert_str_eq(state(0, 0), "stale");
    fly("second", "L2", "N2");
    land("N2", "3600000");
    fly("third", "L3", "N3");
    land("N3", "0");
    ck_assert_str_eq(rig_field(&rig, copy_key(), "job"), "second");
    ck_assert_str_eq(rig_field(&rig, copy_key(), "age"), "3600000");
    ck_assert_str_eq(state(0, 0), "hit");
    rig_stop(&rig);
}
END_TEST

START_TEST(reading_goes_on_without_memory)
{
    rig_start(&rig);
    fly(JOB, "L1", "N1");
    land("N1", "3600000");
    ASK(&rig, "CONFIG", "SET", "maxmemory", "1");
    ck_assert_str_eq(state(0, 0), "hit");
    expect_counts(1, 0, 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_refused_before_the_first_write)
{
    rig_start(&rig);
    const char *const keys[] = {rig.queue.slot, rig.queue.body, rig.queue.meta,
                                copy_key()};
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "FLUSHALL");
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        script_read(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, URL), 0, 0);
        rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
    }
    rig_stop(&rig);
}
END_TEST

SUITE("read", an_unknown_key_leaves_nothing_behind,
      a_reader_of_a_copy_under_way_is_counted_once_and_the_copy_keeps_the_count,
      a_flight_whose_lease_is_gone_is_not_pending,
      a_retry_that_waits_is_pending_until_its_time_is_over,
      a_copy_comes_whole_with_the_times_it_is_judged_by,
      one_reader_of_a_stale_copy_in_ten_seconds_gets_the_job,
      nobody_gets_the_job_while_a_flight_is_under_way,
      it_changed_leaves_the_copy_its_freshness_and_its_job,
      reading_goes_on_without_memory,
      a_key_of_the_wrong_type_is_refused_before_the_first_write)
