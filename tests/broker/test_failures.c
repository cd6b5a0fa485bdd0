/* SPDX-License-Identifier: MIT */
/* SETTLE's log of the last failures, `:fail`. */
#include "rig.h"
#include "schema/failure.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

/* The failure told `ago` failures ago. */
static struct failure told(int ago)
{
    struct failure failure;
    struct bytes reply =
        reply_bytes(ASK(&rig, "LINDEX", rig.queue.fail, rig_format(&rig, "%d", ago)));
    struct bytes record = {rig_text(&rig, reply), reply.len};
    ck_assert_msg(failure_read(&failure, record) == 0, "%.*s", (int)record.len,
                  record.at);
    return failure;
}

static void expect_told(int ago, const char *raw, const char *out, const char *err)
{
    struct failure failure = told(ago);
    ck_assert_msg(bytes_is(failure.raw, raw), "%.*s", (int)failure.raw.len,
                  failure.raw.at);
    ck_assert(bytes_is(failure.out, out));
    ck_assert(bytes_is(failure.err, err));
}

START_TEST(failed_and_dead_jobs_are_told_of_newest_first)
{
    start_with_lease(5);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807");
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_ptr_nonnull(SETTLE(&rig, "L1", "rdaxc", "0", "R1 L1.0 0 1 e=why", "5000",
                                 "R1 L1.1 2 25 e=no", "edge", "1", "R1 L1.4 0 0 e=full"));
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.fail), 3);
    struct failure failure = told(2);
    ck_assert_uint_eq(failure.out.len + failure.err.len, 0);
    ck_assert(!failure.is_death);
    ck_assert_int_ge(failure.at_ms, before_ms);
    ck_assert_int_le(failure.at_ms, rig_now_ms(&rig));
    ck_assert(bytes_is(told(2).raw, "R1 L1.0 0 1 e=why\n1"));
    ck_assert(told(1).is_death);
    ck_assert(bytes_is(told(1).raw, "R1 L1.1 2 25 e=no\n2"));
    ck_assert_int_eq(told(1).at_ms,
                     ASK_INT(&rig, "ZSCORE", rig.queue.dead, "R1 L1.1 2 25 e=no\n2"));
    ck_assert(told(0).is_death);
    ck_assert(bytes_is(told(0).raw, "R1 L1.4 0 0 e=full\n5"));
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_did_not_fail_is_not_told_of)
{
    start_with_lease(6);
    ck_assert_ptr_nonnull(SETTLE(&rig, "L1", "axclgb", "0", "n", "1", "R1 L1.2 0 0",
                                 "R1 L1.3 0 0", "5000", "mail", "", "0"));
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.fail), 0);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_long_payload_is_told_of_by_its_beginning)
{
    char payload[3001] = {0};
    memset(payload, 'p', 3000);
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, payload);
    rig_reserve(&rig, "L1", 1);
    ck_assert_ptr_nonnull(SETTLE(&rig, "L1", "d", "0", "R1 L1.0 0 1"));
    struct failure failure = told(0);
    ck_assert_int_eq(failure.payload_bytes, 3000);
    ck_assert(failure.is_cut);
    ck_assert_uint_eq(failure.entry.payload.len, 1024);
    rig_stop(&rig);
}
END_TEST

/* Readers from before there were tails know no other form. */
START_TEST(without_tails_a_record_has_no_lengths_of_them)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807");
    SETTLE(&rig, "L1", "rdc", "0", "R1 L1.0 0 1", "5000", "R1 L1.1 0 1", "edge", "1",
           "R1 L1.2 0 0");
    static const char letters[] = {'d', 'd', 'r'};
    for (int i = 0; i < 3; i++) {
        const char *want = rig_format(&rig, "%lld %c 1\nR1 L1.%d ",
                                      (long long)told(i).at_ms, letters[i], 2 - i);
        struct bytes got =
            reply_bytes(ASK(&rig, "LINDEX", rig.queue.fail, rig_format(&rig, "%d", i)));
        ck_assert_msg(strncmp(got.at, want, strlen(want)) == 0, "%s", got.at);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(what_a_run_wrote_last_stands_behind_the_payload)
{
    start_with_lease(4);
    ck_assert_ptr_nonnull(SETTLE(&rig, "L1", "rdrd", "0",            /* */
                                 "R1 L1.0 0 1", "0", "R1 L1.1 0 1",  /* */
                                 "R1 L1.2 0 1", "0", "R1 L1.3 0 1",  /* */
                                 "0", "on stdout\n", "on\xffstderr", /* */
                                 "1", "", "R1 L1.2 0 1\n", "2", "1 r 1\n", ""));
    expect_told(3, "R1 L1.0 0 1\n1", "on stdout\n", "on\xffstderr");
    expect_told(2, "R1 L1.1 0 1\n2", "", "R1 L1.2 0 1\n");
    expect_told(1, "R1 L1.2 0 1\n3", "1 r 1\n", "");
    expect_told(0, "R1 L1.3 0 1\n4", "", "");
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 L1.1 0 1\n2", "R1 L1.3 0 1\n4");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* Any bytes, as many as there may be. */
START_TEST(tails_are_bounded_and_come_back_byte_for_byte)
{
    char tail[LIMIT_TAIL_BYTES + 1], payload[3001] = {0};
    for (size_t i = 0; i < sizeof tail; i++)
        tail[i] = (char)(i * 7);
    memset(payload, 'p', 3000);
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, payload);
    rig_reserve(&rig, "L1", 1);
    for (size_t more = 2; more-- > 0;) {
        rig_settle(&rig, "L1", NULL);
        cmd_adds(&rig.client.cmd, "d");
        cmd_adds(&rig.client.cmd, "0");
        cmd_adds(&rig.client.cmd, "R1 L1.0 0 1");
        cmd_adds(&rig.client.cmd, "0");
        cmd_add(&rig.client.cmd, (struct bytes){tail, LIMIT_TAIL_BYTES});
        cmd_add(&rig.client.cmd, (struct bytes){tail, LIMIT_TAIL_BYTES + more});
        if (more > 0)
            rig_expect_refused(&rig, rig_call(&rig), LEAT_EBUG, "BADSETTLE");
        else
            rig_ask(&rig);
    }
    struct failure failure = told(0);
    ck_assert_uint_eq(failure.entry.payload.len, 1024);
    ck_assert(failure.is_cut);
    ck_assert(bytes_equal(failure.out, (struct bytes){tail, LIMIT_TAIL_BYTES}));
    ck_assert(bytes_equal(failure.err, (struct bytes){tail, LIMIT_TAIL_BYTES}));
    rig_stop(&rig);
}
END_TEST

START_TEST(the_record_has_the_header_under_which_the_job_is_dead)
{
    rig_start(&rig);
    for (int i = 0; i < 2; i++) {
        rig_push(&rig, rig.queue.list, "same");
        rig_reserve(&rig, "L1", 1);
        SETTLE(&rig, "L1", "d", "0", "R1 twin 0 1", "0", "its", "tails");
        struct failure failure = told(0);
        cmd_set(&rig.client.cmd, "ZSCORE", rig.queue.dead, NULL);
        cmd_add(&rig.client.cmd, failure.raw);
        ck_assert_int_eq(reply_int(rig_ask(&rig), -1), failure.at_ms);
    }
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.dead), 2);
    rig_stop(&rig);
}
END_TEST

/* Fail so many jobs in one lease, the first iid being `<lease>.0`. */
static void fail_jobs(const char *lease, int jobs)
{
    char letters[LIMIT_LEASE_JOBS + 1] = {0};
    memset(letters, 'r', (size_t)jobs);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, lease, jobs), jobs);
    rig_settle(&rig, lease, NULL);
    cmd_adds(&rig.client.cmd, letters);
    cmd_adds(&rig.client.cmd, "0");
    for (int i = 0; i < jobs; i++) {
        cmd_addf(&rig.client.cmd, "R1 %s.%d 0 1", lease, i);
        cmd_adds(&rig.client.cmd, "5000");
    }
    rig_ask(&rig);
}

START_TEST(the_last_thousand_are_kept)
{
    rig_start(&rig);
    fail_jobs("L1", 5);
    ck_assert(bytes_is(told(0).entry.iid, "L1.4"));
    fail_jobs("L2", FAILURES_KEPT);
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.fail), FAILURES_KEPT);
    ck_assert(bytes_is(told(0).entry.iid, "L2.999"));
    ck_assert(bytes_is(told(FAILURES_KEPT - 1).entry.iid, "L2.0"));
    fail_jobs("L3", 1);
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.fail), FAILURES_KEPT);
    ck_assert(bytes_is(told(FAILURES_KEPT - 1).entry.iid, "L2.1"));
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_settle_sent_again_tells_nothing_twice)
{
    start_with_lease(1);
    for (int i = 0; i < 2; i++)
        SETTLE(&rig, "L1", "d", "0", "R1 L1.0 0 1");
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.fail), 1);
    rig_stop(&rig);
}
END_TEST

SUITE("failures", failed_and_dead_jobs_are_told_of_newest_first,
      what_did_not_fail_is_not_told_of, a_long_payload_is_told_of_by_its_beginning,
      without_tails_a_record_has_no_lengths_of_them,
      what_a_run_wrote_last_stands_behind_the_payload,
      tails_are_bounded_and_come_back_byte_for_byte,
      the_record_has_the_header_under_which_the_job_is_dead, the_last_thousand_are_kept,
      a_settle_sent_again_tells_nothing_twice)
