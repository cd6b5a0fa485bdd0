/* SPDX-License-Identifier: MIT */
/* What the worker puts together is what the scripts understand. */
#include "worker/settlement.h"
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;
static struct settlement settlement;
static struct tally tally;

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
    settlement_reset(&settlement);
    tally_reset(&tally);
}

static const struct redisReply *settle(void)
{
    settlement_write(&settlement, &rig.client.cmd, &rig.queue, "L1", &tally);
    return rig_ask(&rig);
}

static void stop(void)
{
    settlement_fini(&settlement);
    rig_stop(&rig);
}

START_TEST(jobs_that_are_all_done_are_acknowledged_with_their_sums)
{
    start_with_lease(3);
    for (int i = 0; i < 3; i++)
        settlement_add(&settlement, OUTCOME_DONE);
    tally_add(&tally, bytes_of("a"), 5);
    tally_add(&tally, bytes_of("nought"), 1);
    tally_add(&tally, bytes_of("nought"), -1);
    const struct redisReply *reply = settle();
    ck_assert(reply_is_int(reply)); /* an ACK's answer */
    ck_assert_int_eq(reply_int(reply, -9), 1);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "5");
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "nought"), "-");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(every_outcome_has_the_arguments_that_settle_reads)
{
    start_with_lease(9);
    struct cmd *args = &settlement.args;
    settlement_add(&settlement, OUTCOME_DONE);
    settlement_add(&settlement, OUTCOME_EXPIRED);
    settlement_add(&settlement, OUTCOME_COUNTED);
    cmd_adds(args, "b");
    cmd_add_int(args, -7);
    cmd_adds(args, "R1 L1.2 0 0");
    settlement_add(&settlement, OUTCOME_RETRY);
    cmd_adds(args, "R1 L1.3 0 1");
    cmd_add_int(args, 1000);
    settlement_add(&settlement, OUTCOME_LATER);
    cmd_adds(args, "R1 L1.4 0 0");
    cmd_add_int(args, 1000);
    cmd_adds(args, "mail");
    settlement_add(&settlement, OUTCOME_DEAD);
    cmd_adds(args, "R1 L1.5 0 1");
    settlement_add(&settlement, OUTCOME_BAD);
    cmd_add_int(args, 0);
    settlement_add(&settlement, OUTCOME_BACK);
    cmd_adds(args, "");
    settlement_add(&settlement, OUTCOME_FLIGHT);
    cmd_adds(args, "R1 L1.8 0 0");
    cmd_adds(args, "N1");
    cmd_add_int(args, 60000);
    cmd_add_int(args, 0);
    cmd_add_int(args, 0);
    settlement_claim(&settlement, rig_cache_key(&rig, "key"));
    tally_add(&tally, bytes_of("a"), 5);
    const struct redisReply *reply = settle();
    ck_assert_int_eq(reply_int(reply_at(reply, 0), -9), 1);
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 1)), "run"));
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "5");
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "b"), "-7");
    EXPECT_ZSET(&rig, rig.queue.sched, "R1 L1.3 0 1\n4", "R1 L1.4 0 0\n5");
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 L1.5 0 1\n6");
    EXPECT_LIST(&rig, rig.queue.bad, "7");
    EXPECT_LIST(&rig, rig.queue.staging, "8");
    rig_expect_books(&rig);
    stop();
}
END_TEST

static void expect_failure(int ago, const char *end)
{
    const char *index = rig_format(&rig, "%d", ago);
    struct bytes record = reply_bytes(ASK(&rig, "LINDEX", rig.queue.fail, index));
    const char *letter = strchr(rig_text(&rig, record), ' ');
    ck_assert_ptr_nonnull(letter);
    ck_assert_str_eq(letter, end);
}

START_TEST(tails_come_behind_all_and_only_where_there_are_any)
{
    start_with_lease(4);
    struct cmd *args = &settlement.args;
    settlement_add(&settlement, OUTCOME_RETRY);
    cmd_adds(args, "R1 L1.0 0 1");
    cmd_add_int(args, 1000);
    settlement_tails(&settlement, bytes_of(""), bytes_of(""));
    settlement_add(&settlement, OUTCOME_DEAD);
    cmd_adds(args, "R1 L1.1 0 1");
    settlement_tails(&settlement, bytes_of("out"), bytes_of(""));
    settlement_add(&settlement, OUTCOME_DONE);
    settlement_add(&settlement, OUTCOME_RETRY);
    cmd_adds(args, "R1 L1.3 0 1");
    cmd_add_int(args, 1000);
    settlement_tails(&settlement, bytes_of(""), bytes_of("err"));
    ck_assert_int_eq(reply_int(reply_at(settle(), 0), -9), 1);
    expect_failure(2, " r 1\nR1 L1.0 0 1\n1");
    expect_failure(1, " d 1 3 0\nR1 L1.1 0 1\n2out");
    expect_failure(0, " r 1 0 3\nR1 L1.3 0 1\n4err");
    settlement_reset(&settlement);
    ck_assert_int_eq(settlement.tails.count, 0);
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(claims_and_cache_keys_stay_in_the_same_order)
{
    enum { JOBS = 40 };
    start_with_lease(JOBS);
    for (int i = 0; i < JOBS; i++) {
        settlement_add(&settlement, i % 2 ? OUTCOME_DONE : OUTCOME_FLIGHT);
        if (i % 2)
            continue;
        cmd_addf(&settlement.args, "R1 L1.%d 0 0", i);
        cmd_addf(&settlement.args, "N%d", i);
        cmd_add_int(&settlement.args, 60000);
        cmd_add_int(&settlement.args, 0);
        cmd_add_int(&settlement.args, 0);
        settlement_claim(&settlement,
                         rig_cache_key(&rig, rig_format(&rig, "%d", i % 20)));
    }
    const struct redisReply *reply = settle();
    ck_assert_uint_eq(reply_count(reply), 1 + JOBS / 2);
    for (size_t i = 1; i <= JOBS / 2; i++)
        ck_assert(bytes_is(reply_bytes(reply_at(reply, i)), i <= 10 ? "run" : "again"));
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(an_s_an_e_and_a_k_are_put_together_as_settle_reads_them)
{
    static struct queue mail, here;
    struct cmd *args = &settlement.args;
    start_with_lease(4);
    queue_init(&mail, "mail", NULL);
    queue_init(&here, "q", NULL);
    ASK(&rig, "HSET", rig.queue.cancel, "k", "1");
    settlement_add(&settlement, OUTCOME_STAY);
    cmd_adds(args, "R1 L1.0 0 0");
    settlement_stay(&settlement, "L2", 60000);
    settlement_add(&settlement, OUTCOME_EFFECTS);
    cmd_adds(args, "R1 L1.1 0 1");
    cmd_adds(args, "1");
    cmd_adds(args, "b");
    cmd_adds(args, "3");
    cmd_adds(args, "3");
    const char *const entries[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++) {
        cmd_add_int(args, settlement_target(&settlement, i == 1 ? &here : &mail));
        cmd_adds(args, "0");
        cmd_adds(args, "0");
        cmd_adds(args, entries[i]);
    }
    settlement_add(&settlement, OUTCOME_CANCELLED);
    cmd_adds(args, "k");
    cmd_adds(args, "0");
    settlement_add(&settlement, OUTCOME_DONE);
    ck_assert_int_eq(settlement.target_count, 2);
    const struct redisReply *reply = settle();
    ck_assert_int_eq(reply_int(reply_at(reply, 0), -9), 1);
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 1)), "run"));
    EXPECT_LIST(&rig, mail.list, "first", "third");
    EXPECT_LIST(&rig, rig.queue.list, "second");
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.lease), 1);
    rig.pushed++;
    rig_expect_books(&rig);
    stop();
}
END_TEST

/* All simply done, but one is tracked. */
static void add_tracked(void)
{
    settlement_reset(&settlement);
    settlement_add(&settlement, OUTCOME_DONE);
    settlement_add(&settlement, OUTCOME_DONE);
    settlement_track(&settlement,
                     queue_record_key(&rig.queue, bytes_of("one"), &rig.arena));
    cmd_adds(&settlement.args, "9000");
    cmd_adds(&settlement.args, "1");
    cmd_adds(&settlement.args, "state");
    cmd_adds(&settlement.args, "done");
}

START_TEST(a_tracked_job_is_never_acknowledged_without_its_record)
{
    start_with_lease(2);
    add_tracked();
    ASK(&rig, "CONFIG", "SET", "maxmemory", "1");
    settlement_grow(&settlement);
    settlement_write(&settlement, &rig.client.cmd, &rig.queue, "L1", &tally);
    rig_expect_refused(&rig, rig_call(&rig), LEAT_EBUSY, "OOM");
    add_tracked();
    ck_assert(!reply_is_int(settle()));
    ck_assert_int_eq(ASK_INT(&rig, "XLEN", "{leat:q}:t:one"), 1);
    rig_expect_books(&rig);
    stop();
}
END_TEST

SUITE("settlement", jobs_that_are_all_done_are_acknowledged_with_their_sums,
      every_outcome_has_the_arguments_that_settle_reads,
      tails_come_behind_all_and_only_where_there_are_any,
      claims_and_cache_keys_stay_in_the_same_order,
      an_s_an_e_and_a_k_are_put_together_as_settle_reads_them,
      a_tracked_job_is_never_acknowledged_without_its_record)
