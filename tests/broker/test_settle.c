/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

static int64_t verdict(const struct redisReply *reply)
{
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply_int(reply_at(reply, 0), -9);
}

static void expect_lease_gone(void)
{
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.lease, rig.queue.body), 0);
    rig_expect_books(&rig);
}

/* ---- each outcome ------------------------------------------------------------------ */

START_TEST(done_jobs_add_their_sums)
{
    start_with_lease(3);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "aax", "2", "a", "2", "b", "-7")), 1);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "2");
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "b"), "-7");
    ck_assert_int_eq(rig_meta(&rig, "done"), 2);
    ck_assert_int_eq(rig_meta(&rig, "expired"), 1);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_failed_job_waits_in_the_schedule_with_the_header_given)
{
    start_with_lease(1);
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "r", "0", "R1 L1.0 0 1 e=why", "5000")),
                     1);
    EXPECT_ZSET(&rig, rig.queue.sched, "R1 L1.0 0 1 e=why\n1");
    int64_t due_ms = ASK_INT(&rig, "ZSCORE", rig.queue.sched, "R1 L1.0 0 1 e=why\n1");
    ck_assert_int_ge(due_ms, before_ms + 5000);
    ck_assert_int_le(due_ms, rig_now_ms(&rig) + 5000);
    ck_assert_int_eq(rig_meta(&rig, "retry"), 1);
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 1);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_job_without_a_handler_waits_and_is_no_failure)
{
    start_with_lease(1);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "l", "0", "R1 L1.0 0 0", "5000", "mail")),
                     1);
    EXPECT_ZSET(&rig, rig.queue.sched, "R1 L1.0 0 0\n1");
    ck_assert_int_eq(rig_meta(&rig, "retry"), 0);
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 0);
    ck_assert_int_eq(rig_meta(&rig, "back"), 1);
    ck_assert_int_gt(rig_meta(&rig, "nh:mail"), 1000000000000);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_job_that_failed_before_stays_counted_as_retrying_while_it_lacks_a_handler)
{
    start_with_lease(1);
    SETTLE(&rig, "L1", "r", "0", "R1 L1.0 0 1", "0");
    for (int i = 0; i < 3; i++) {
        script_promote(&rig.client.cmd, &rig.queue, 10);
        ck_assert_int_eq(reply_int(reply_at(rig_ask(&rig), 0), -1), 1);
        ck_assert_int_eq(rig_meta(&rig, "retrying"), 0);
        ck_assert_int_eq(rig_reserve(&rig, "L2", 1), 1);
        SETTLE(&rig, "L2", "l", "0", "R1 L1.0 0 1", "0", "mail");
        ck_assert_int_eq(rig_meta(&rig, "retrying"), 1);
        rig_expect_books(&rig);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(names_of_missing_handlers_are_bounded)
{
    start_with_lease(200);
    rig_settle(&rig, "L1", NULL);
    char letters[201];
    memset(letters, 'l', 200);
    letters[200] = '\0';
    cmd_adds(&rig.client.cmd, letters);
    cmd_adds(&rig.client.cmd, "0");
    for (int i = 0; i < 200; i++) {
        cmd_addf(&rig.client.cmd, "R1 L1.%d 0 0", i);
        cmd_adds(&rig.client.cmd, "5000");
        cmd_addf(&rig.client.cmd, "type%d", i);
    }
    ck_assert_int_eq(verdict(rig_call(&rig)), 1);
    ck_assert_int_le(ASK_INT(&rig, "HLEN", rig.queue.meta), 140);
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.sched), 200);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_dead_job_is_kept_with_the_time_of_its_death)
{
    start_with_lease(1);
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "d", "0", "R1 L1.0 2 25 e=no")), 1);
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 L1.0 2 25 e=no\n1");
    ck_assert_int_ge(ASK_INT(&rig, "ZSCORE", rig.queue.dead, "R1 L1.0 2 25 e=no\n1"),
                     before_ms);
    ck_assert_int_eq(rig_meta(&rig, "dead"), 1);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(what_is_no_job_is_quarantined_as_the_producer_wrote_it)
{
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, "R1 broken");
    rig_push(&rig, rig.queue.list, "R1 L0.3 1 0 t=5\n{no json\n");
    ck_assert_int_eq(rig_reserve(&rig, "L1", 2), 2);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "bb", "0", "0", "16")), 1);
    EXPECT_LIST(&rig, rig.queue.bad, "R1 broken", "{no json\n");
    ck_assert_int_eq(rig_meta(&rig, "bad"), 2);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(jobs_given_back_keep_their_order_and_bytes)
{
    start_with_lease(5);
    rig_push_n(&rig, rig.queue.list, 6, 1);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "gaggg", "0", "", "", "R1 L1.3 0 1", "")),
                     1);
    EXPECT_LIST(&rig, rig.queue.staging, "1", "3", "R1 L1.3 0 1\n4", "5");
    ck_assert_int_eq(rig_meta(&rig, "back"), 4);
    rig_expect_books(&rig);
    ck_assert_int_eq(rig_reserve(&rig, "L2", 10), 5);
    ck_assert_str_eq(rig.job[0], "1");
    ck_assert_str_eq(rig.job[4], "6");
    rig_stop(&rig);
}
END_TEST

START_TEST(an_entry_has_one_header_however_often_it_is_moved)
{
    start_with_lease(1);
    SETTLE(&rig, "L1", "g", "0", "R1 L1.0 0 1");
    rig_reserve(&rig, "L2", 1);
    SETTLE(&rig, "L2", "r", "0", "R1 L1.0 0 2", "0");
    EXPECT_ZSET(&rig, rig.queue.sched, "R1 L1.0 0 2\n1");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_payload_may_hold_anything_behind_its_header)
{
    static const char *const payloads[] = {
        "", "\n", "\n\nR1 x 0 0\n", "R1", "r1 a 0 0\n", "\xff\xfe\x01", "%d%s"};
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(payloads); i++)
        rig_push(&rig, rig.queue.list, payloads[i]);
    ck_assert_int_eq(rig_reserve(&rig, "L1", 20), COUNT(payloads));
    rig_settle(&rig, "L1", NULL);
    cmd_adds(&rig.client.cmd, "ddddddd");
    cmd_adds(&rig.client.cmd, "0");
    for (size_t i = 0; i < COUNT(payloads); i++)
        cmd_addf(&rig.client.cmd, "R1 L1.%zu 0 1", i);
    ck_assert_int_eq(verdict(rig_call(&rig)), 1);
    for (size_t i = 0; i < COUNT(payloads); i++)
        ck_assert_int_ge(ASK_INT(&rig, "ZSCORE", rig.queue.dead,
                                 rig_format(&rig, "R1 L1.%zu 0 1\n%s", i, payloads[i])),
                         0);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

START_TEST(equal_headers_and_payloads_stay_two_jobs)
{
    rig_start(&rig);
    for (int i = 0; i < 6; i++)
        rig_push(&rig, rig.queue.list, "same");
    rig_reserve(&rig, "L1", 6);
    ck_assert_int_eq(
        verdict(SETTLE(&rig, "L1", "rrrddd", "0", "R1 X 0 1", "0", "R1 X 0 1", "0",
                       "R1 X 0 1", "0", "R1 X 0 1", "R1 X 0 1", "R1 X 0 1")),
        1);
    EXPECT_ZSET(&rig, rig.queue.sched, "R1 X 0 1\nsame", "R1 X 0 1 x=1\nsame",
                "R1 X 0 1 x=2\nsame");
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 X 0 1\nsame", "R1 X 0 1 x=1\nsame",
                "R1 X 0 1 x=2\nsame");
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

/* ---- counters ---------------------------------------------------------------------- */

START_TEST(a_refused_sum_changes_nothing_and_is_named)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807", "a", "1");
    const char *before = rig_digest(&rig);
    const struct redisReply *reply =
        SETTLE(&rig, "L1", "ada", "2", "a", "4", "edge", "1", "R1 L1.1 0 1");
    ck_assert_int_eq(verdict(reply), -1);
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 1)), "edge"));
    ck_assert_uint_eq(reply_count(reply), 3);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(only_the_jobs_that_overflow_die_when_they_are_counted_alone)
{
    start_with_lease(5);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775800");
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "cccac", "1", "a", "1", /* the sum */
                                    "edge", "5", "R1 L1.0 0 0 e=full",  /* fits */
                                    "edge", "5", "R1 L1.1 0 0 e=full",  /* does not */
                                    "edge", "2", "R1 L1.2 0 0 e=full",  /* fits */
                                    "edge", "9007199254740992", "R1 L1.4 0 0 e=full")),
                     1);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "edge"), "9223372036854775807");
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "1");
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 L1.1 0 0 e=full\n2", "R1 L1.4 0 0 e=full\n5");
    ck_assert_int_eq(rig_meta(&rig, "done"), 3);
    ck_assert_int_eq(rig_meta(&rig, "dead"), 2);
    expect_lease_gone();
    rig_stop(&rig);
}
END_TEST

/* ---- refusals ---------------------------------------------------------------------- */

static void expect_bad(const char *const *words)
{
    const char *before = rig_digest(&rig);
    rig_settle(&rig, "L1", NULL);
    rig_expect_refused(&rig, rig_words(&rig, words), LEAT_EBUG, "BADSETTLE");
    ck_assert_str_eq(rig_digest(&rig), before);
}

#define EXPECT_BAD(...) expect_bad((const char *const[]){__VA_ARGS__, NULL})

START_TEST(outcomes_that_do_not_fit_the_lease_change_nothing)
{
    start_with_lease(2);
    EXPECT_BAD("a", "0");
    EXPECT_BAD("aaa", "0");
    EXPECT_BAD("", "0");
    EXPECT_BAD("az", "0");
    EXPECT_BAD("aA", "0");
    EXPECT_BAD("aa", "1");
    EXPECT_BAD("aa", "1", "a");
    EXPECT_BAD("aa", "0", "left over");
    EXPECT_BAD("aa", "0", "1", "out", "err"); /* who did not fail has no tails */
    EXPECT_BAD("ad", "0");
    EXPECT_BAD("ar", "0", "R1 L1.1 0 1");
    EXPECT_BAD("af", "0", "R1 L1.1 0 1", "N1", "60000", "0", "0"); /* no cache key */
    EXPECT_BAD("aa", "no number", "a", "1");
    rig_stop(&rig);
}
END_TEST

START_TEST(arguments_of_the_wrong_form_are_seen_before_the_first_write)
{
    start_with_lease(2);
    EXPECT_BAD("ar", "0", "R1 L1.1 0 1", "soon");
    EXPECT_BAD("ar", "0", "R1 L1.1 0 1", "-5");
    EXPECT_BAD("al", "0", "R1 L1.1 0 1", "", "mail");
    EXPECT_BAD("ab", "0", "many");
    EXPECT_BAD("ad", "0", "no header");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1\n{}");
    EXPECT_BAD("ad", "0", "");
    EXPECT_BAD("ac", "0", "a", "1", "no header");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "1");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "1", "out");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "out", "err", "");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "0", "out", "err");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "2", "out", "err");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "1", "out", "err", "left over");
    EXPECT_BAD("ad", "0", "R1 L1.1 0 1", "1", "out", "err", "1", "out", "err");
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "aa", "0")), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_refused_before_the_first_write)
{
    const struct queue *q = &rig.queue;
    const char *const keys[] = {q->lease,    q->body,  q->meta, q->staging,
                                q->sched,    q->dead,  q->bad,  q->slot,
                                q->counters, q->again, q->list, q->fail};
    start_with_lease(6);
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "COPY", keys[i], "kept", "REPLACE");
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        rig_expect_refused(&rig,
                           SETTLE(&rig, "L1", "ardgbx", "1", "a", "1", "R1 L1.1 0 1", "0",
                                  "R1 L1.2 0 1", "", "0"),
                           LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_msg(strstr(rig.err.text, keys[i]) != NULL, "%s", rig.err.text);
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
        ASK(&rig, "COPY", "kept", keys[i], "REPLACE");
        ASK(&rig, "DEL", "kept");
    }
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_settle_sent_again_changes_nothing)
{
    start_with_lease(6);
    for (int i = 0; i < 3; i++) {
        const char *before = rig_digest(&rig);
        const struct redisReply *reply =
            SETTLE(&rig, "L1", "acrdgb", "1", "a", "1", "a", "1", "R1 L1.1 0 0",
                   "R1 L1.2 0 1", "1000", "R1 L1.3 0 1", "", "0", "2", "out", "err");
        ck_assert_int_eq(verdict(reply), i == 0 ? 1 : 0);
        ck_assert_uint_eq(reply_count(reply), 1);
        if (i > 0)
            ck_assert_str_eq(rig_digest(&rig), before);
        ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "2");
        rig_expect_books(&rig);
    }
    rig_stop(&rig);
}
END_TEST

SUITE("settle", done_jobs_add_their_sums,
      a_failed_job_waits_in_the_schedule_with_the_header_given,
      a_job_without_a_handler_waits_and_is_no_failure,
      a_job_that_failed_before_stays_counted_as_retrying_while_it_lacks_a_handler,
      names_of_missing_handlers_are_bounded,
      a_dead_job_is_kept_with_the_time_of_its_death,
      what_is_no_job_is_quarantined_as_the_producer_wrote_it,
      jobs_given_back_keep_their_order_and_bytes,
      an_entry_has_one_header_however_often_it_is_moved,
      a_payload_may_hold_anything_behind_its_header,
      equal_headers_and_payloads_stay_two_jobs,
      a_refused_sum_changes_nothing_and_is_named,
      only_the_jobs_that_overflow_die_when_they_are_counted_alone,
      outcomes_that_do_not_fit_the_lease_change_nothing,
      arguments_of_the_wrong_form_are_seen_before_the_first_write,
      a_key_of_the_wrong_type_is_refused_before_the_first_write,
      a_settle_sent_again_changes_nothing)
