/* SPDX-License-Identifier: MIT */
/* RELEASE, EXTEND and REAP: leases given back, kept, and lost. */
#include "rig.h"
#include "base/clock.h"
#include "schema/entry.h"
#include "unit/suite.h"

#include <poll.h>
#include <string.h>

static struct rig rig;

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

/* ---- release ----------------------------------------------------------------------- */

START_TEST(released_jobs_go_to_the_head_as_they_are_and_in_order)
{
    start_with_lease(3);
    rig_push_n(&rig, rig.queue.list, 4, 1);
    ck_assert_int_eq(reply_int(RELEASE(&rig, "L1"), -9), 3);
    EXPECT_LIST(&rig, rig.queue.staging, "1", "2", "3");
    ck_assert_int_eq(rig_meta(&rig, "back"), 3);
    ck_assert_int_eq(rig_meta(&rig, "recovered"), 0);
    rig_expect_books(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L2", 10), 4);
    ck_assert_str_eq(rig.job[0], "1");
    rig_stop(&rig);
}
END_TEST

START_TEST(release_ignores_leases_that_are_gone_and_names_said_twice)
{
    start_with_lease(3);
    ck_assert_int_eq(reply_int(RELEASE(&rig, "never", "L1", "L1"), -9), 3);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(reply_int(RELEASE(&rig, "L1"), -9), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* By that a handler's token grows. */
START_TEST(a_job_that_goes_back_at_once_is_reserved_at_a_later_time)
{
    int64_t before_us = 0;
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 1);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(rig_reserve(&rig, "L1", 1), 1);
        ck_assert_int_gt(rig.reserved_us, before_us);
        before_us = rig.reserved_us;
        RELEASE(&rig, "L1");
    }
    const struct redisReply *time = ASK(&rig, "TIME");
    ck_assert_int_le(before_us / 1000000, reply_int(reply_at(time, 0), -1));
    ck_assert_int_gt(before_us / 1000000, reply_int(reply_at(time, 0), -1) - 60);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_released_suspect_stays_a_suspect)
{
    rig_start(&rig);
    rig_push(&rig, rig.queue.suspects, "R1 L0.0 2 0\na");
    rig_push(&rig, rig.queue.list, "R1 L0.1 1 7\nb");
    rig_reserve_suspect(&rig, "L1", 10);
    rig_reserve(&rig, "L2", 1);
    ck_assert_int_eq(reply_int(RELEASE(&rig, "L1", "L2"), -9), 2);
    EXPECT_LIST(&rig, rig.queue.suspects, "R1 L0.0 2 0\na");
    EXPECT_LIST(&rig, rig.queue.staging, "R1 L0.1 1 7\nb");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* ---- extend ------------------------------------------------------------------------ */

START_TEST(extend_moves_the_deadlines_and_names_the_leases_that_are_gone)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_reserve(&rig, "L1", 1);
    rig_reserve(&rig, "L2", 1);
    RELEASE(&rig, "L1");
    script_extend(&rig.client.cmd, &rig.queue, 600000);
    const struct redisReply *gone =
        rig_words(&rig, (const char *const[]){"L1", "L2", "never", NULL});
    ck_assert_uint_eq(reply_count(gone), 2);
    ck_assert(bytes_is(reply_bytes(reply_at(gone, 0)), "L1"));
    ck_assert(bytes_is(reply_bytes(reply_at(gone, 1)), "never"));
    ck_assert_int_gt(ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L2"),
                     rig_now_ms(&rig) + 500000);
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.lease), 1);
    rig_stop(&rig);
}
END_TEST

/* ---- reap -------------------------------------------------------------------------- */

START_TEST(a_lease_that_lives_is_not_reaped)
{
    start_with_lease(2);
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.body), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(jobs_of_an_expired_lease_get_a_header_and_go_to_the_head)
{
    start_with_lease(2);
    rig_expire(&rig, "L1");
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(rig_reap(&rig, 5), 2);
    ck_assert_int_eq(rig_meta(&rig, "recovered"), 2);
    rig_expect_books(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L2", 10), 2);
    for (int i = 0; i < 2; i++) {
        const char *head = rig_format(&rig, "R1 L1.%d 1 0 t=", i);
        ck_assert(strncmp(rig.job[i], head, strlen(head)) == 0);
        char *end;
        int64_t seen_ms = strtoll(rig.job[i] + strlen(head), &end, 10);
        ck_assert_int_ge(seen_ms, before_ms);
        ck_assert_int_le(seen_ms, rig_now_ms(&rig));
        ck_assert_str_eq(end, rig_format(&rig, "\n%d", i + 1));
    }
    rig_stop(&rig);
}
END_TEST

/* What becomes of an entry whose lease expires. */
static const char *reaped(const char *entry, const char *list)
{
    ASK(&rig, "FLUSHALL");
    rig_push(&rig, rig.queue.list, entry);
    rig_reserve(&rig, "L1", 1);
    rig_expire(&rig, "L1");
    ck_assert_int_eq(rig_reap(&rig, 5), 1);
    const struct redisReply *reply = ASK(&rig, "LRANGE", list, "0", "-1");
    ck_assert_uint_eq(reply_count(reply), 1);
    return rig_text(&rig, reply_bytes(reply_at(reply, 0)));
}

START_TEST(a_header_keeps_all_but_its_count_of_deliveries)
{
    const char *head = rig.queue.staging, *suspects = rig.queue.suspects;
    rig_start(&rig);
    ck_assert_str_eq(reaped("R1 a.7 0 3 t=5 e=x%20y k=c:9 z=1\n{}", head),
                     "R1 a.7 1 3 t=5 e=x%20y k=c:9 z=1\n{}");
    ck_assert_str_eq(reaped("R1 a.7 1 3 t=5\n\xff\x01\n\nR1 b 1 1\n", suspects),
                     "R1 a.7 2 3 t=5\n\xff\x01\n\nR1 b 1 1\n");
    ck_assert_str_eq(reaped("R1 a.7 4 0\n", suspects), "R1 a.7 5 0\n");
    ck_assert_str_eq(reaped("R1 a.7 9 0\nx", suspects), "R1 a.7 10 0\nx");
    rig_stop(&rig);
}
END_TEST

#define TEN       "0123456789"
#define LONG_IID  "R1 " TEN TEN TEN TEN TEN TEN "01234"
#define LONG_SLOT TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345678"

/* REAP must read it as the worker does: of bytes that are no job none may change. */
START_TEST(what_only_looks_like_a_header_is_payload)
{
    static const char *const entries[] = {"R1",
                                          "R1 ",
                                          "R1 a\n",
                                          "R1 a 1\n{}",
                                          "R1 a 1 x\n",
                                          "R1 a b 1\n",
                                          "R1  1 1\n",
                                          "R1 a 1 1",
                                          "R2 a 1 1\n",
                                          " R1 a 1 1\n",
                                          "",
                                          "R1 a 1 0x\n{}",
                                          "R1 a 1 -1\n",
                                          "R1 a 1000000001 1\n",
                                          "R1 a 1 1000000001\n",
                                          "R1 a 1 1 t=\n",
                                          "R1 a 1 1 t=5x\n",
                                          "R1 a 1 1 t=9223372036854775808\n",
                                          "R1 a 1 1 t=1 t=no\n",
                                          LONG_IID " 1 1\n",
                                          "R1 a 1 1 k=" LONG_SLOT "\n"};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(entries); i++) {
        const char *entry = reaped(entries[i], rig.queue.staging);
        ck_assert(strncmp(entry, "R1 L1.0 1 0 t=", 14) == 0);
        ck_assert_str_eq(strchr(entry, '\n') + 1, entries[i]);
        struct entry read;
        ck_assert(strncmp(entries[i], "R1 ", 3) != 0 ||
                  entry_read(&read, bytes_of(entries[i])) != 0);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_header_of_any_form_that_a_worker_reads_is_kept)
{
    static const char *const entries[][2] = {
        {"R1 a 0 0 \n{}", "R1 a 1 0 \n{}"},
        {"R1 a 000 0  t=1  x=\n{}", "R1 a 1 0  t=1  x=\n{}"},
        {"R1 a 0 1 t=09223372036854775807\n", "R1 a 1 1 t=09223372036854775807\n"},
        {"R1 a 0 1 k=" LONG_SLOT " k=\n", "R1 a 1 1 k=" LONG_SLOT " k=\n"},
        {"R1 \t 0 0\n", "R1 \t 1 0\n"},
    };
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct entry read;
        ck_assert_int_eq(entry_read(&read, bytes_of(entries[i][0])), 0);
        ck_assert_str_eq(reaped(entries[i][0], rig.queue.staging), entries[i][1]);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_header_without_room_loses_tokens_and_not_its_job)
{
    enum { LINE = 2048 };
    char entry[LINE + 3], head[] = "R1 a 9 0 z=";
    rig_start(&rig);
    memset(entry, 'y', sizeof entry);
    memcpy(entry, head, sizeof head - 1);
    memcpy(entry + LINE - 1, "\n{}", 4);
    ck_assert_str_eq(reaped(entry, rig.queue.suspects), "R1 a 10 0\n{}");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_lease_of_a_millisecond_is_reaped_once_it_is_over)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 1);
    script_reserve(&rig.client.cmd, &rig.queue, "L1", 1, 1, 1000, 0);
    rig_ask(&rig);
    int64_t end_ms = clock_mono_ms() + 10000;
    while (rig_reap(&rig, 5) == 0) {
        ck_assert(clock_mono_ms() < end_ms);
        poll(NULL, 0, 1);
    }
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.staging), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_call_reaps_no_more_leases_than_asked)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 7);
    for (int i = 0; i < 7; i++) {
        const char *lease = rig_format(&rig, "L%d", i);
        rig_reserve(&rig, lease, 1);
        rig_expire(&rig, lease);
    }
    ck_assert_int_eq(rig_reap(&rig, 5), 5);
    rig_expect_books(&rig);
    ck_assert_int_eq(rig_reap(&rig, 5), 2);
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

static const struct redisReply *tick(void)
{
    script_reap(&rig.client.cmd, &rig.queue, 5);
    return rig_ask(&rig);
}

START_TEST(a_tick_tells_what_waits_in_staging)
{
    start_with_lease(2);
    rig_push(&rig, rig.queue.staging, "left behind by a bell");
    ck_assert_int_eq(reply_int(reply_at(tick(), 4), -1), 1); /* after a silence, too */
    rig_expire(&rig, "L1");
    ck_assert_int_eq(reply_int(reply_at(tick(), 4), -1), 3);
    rig_stop(&rig);
}
END_TEST

START_TEST(after_a_silence_nothing_expires_before_living_holders_could_extend)
{
    start_with_lease(2);
    rig_expire(&rig, "L1");
    ASK(&rig, "HSET", rig.queue.meta, "seen",
        rig_format(&rig, "%lld", (long long)rig_now_ms(&rig) - 6000));
    ck_assert_int_eq(reply_int(reply_at(tick(), 1), -1), 0);
    int64_t deadline_ms = ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L1");
    ck_assert_int_gt(deadline_ms, rig_now_ms(&rig) + 5000);
    ck_assert_int_le(deadline_ms, rig_now_ms(&rig) + 10000);
    ck_assert_int_eq(reply_int(reply_at(tick(), 1), -1), 0); /* its grace still runs */
    rig_expire(&rig, "L1");
    ck_assert_int_eq(reply_int(reply_at(tick(), 1), -1), 2);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(the_first_tick_ever_is_one_after_a_silence)
{
    start_with_lease(1);
    rig_expire(&rig, "L1");
    ck_assert_int_eq(reply_int(reply_at(tick(), 1), -1), 0);
    ck_assert_int_gt(rig_meta(&rig, "seen"), 1000000000000);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_deadline_beyond_the_longest_lease_is_clamped)
{
    start_with_lease(1);
    ASK(&rig, "ZADD", rig.queue.lease, "XX", "99999999999999", "L1");
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    int64_t left_ms = ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L1") - rig_now_ms(&rig);
    ck_assert_int_le(left_ms, LIMIT_LEASE_MS);
    ck_assert_int_gt(left_ms, LIMIT_LEASE_MS - 10000);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_deadline_without_a_body_is_dropped)
{
    rig_start(&rig);
    ASK(&rig, "ZADD", rig.queue.lease, "1000", "L1");
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.lease), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(bodies_whose_deadlines_somebody_deleted_come_back)
{
    start_with_lease(3);
    ASK(&rig, "DEL", rig.queue.lease);
    ASK(&rig, "ZADD", rig.queue.lease, "1000", "somebody's");
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    ck_assert_int_eq(rig_reap(&rig, 5), 0);
    ck_assert_int_gt(ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L1"), rig_now_ms(&rig));
    rig_expect_books(&rig);
    rig_expire(&rig, "L1");
    ck_assert_int_eq(rig_reap(&rig, 5), 3);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_refused_before_the_first_write)
{
    const char *const keys[] = {rig.queue.lease, rig.queue.body, rig.queue.meta,
                                rig.queue.staging, rig.queue.suspects};
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, "R1 a 0 0\nfirst");
    rig_push(&rig, rig.queue.list, "R1 b 2 0\nsecond");
    rig_reserve(&rig, "L1", 2);
    rig_expire(&rig, "L1");
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "COPY", keys[i], "kept", "REPLACE");
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        rig_expect_refused(&rig, RELEASE(&rig, "L1"), LEAT_EFOREIGN, "WRONGTYPE");
        script_reap(&rig.client.cmd, &rig.queue, 5);
        rig_expect_refused(&rig, rig_call(&rig), LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
        ASK(&rig, "COPY", "kept", keys[i], "REPLACE");
        ASK(&rig, "DEL", "kept");
    }
    ck_assert_int_eq(rig_reap(&rig, 5), 2);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

SUITE("giveback", released_jobs_go_to_the_head_as_they_are_and_in_order,
      release_ignores_leases_that_are_gone_and_names_said_twice,
      a_job_that_goes_back_at_once_is_reserved_at_a_later_time,
      a_released_suspect_stays_a_suspect,
      extend_moves_the_deadlines_and_names_the_leases_that_are_gone,
      a_lease_that_lives_is_not_reaped,
      jobs_of_an_expired_lease_get_a_header_and_go_to_the_head,
      a_header_keeps_all_but_its_count_of_deliveries,
      what_only_looks_like_a_header_is_payload,
      a_header_of_any_form_that_a_worker_reads_is_kept,
      a_header_without_room_loses_tokens_and_not_its_job,
      a_lease_of_a_millisecond_is_reaped_once_it_is_over,
      one_call_reaps_no_more_leases_than_asked, a_tick_tells_what_waits_in_staging,
      after_a_silence_nothing_expires_before_living_holders_could_extend,
      the_first_tick_ever_is_one_after_a_silence,
      a_deadline_beyond_the_longest_lease_is_clamped,
      a_deadline_without_a_body_is_dropped,
      bodies_whose_deadlines_somebody_deleted_come_back,
      a_key_of_the_wrong_type_is_refused_before_the_first_write)
