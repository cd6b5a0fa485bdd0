/* SPDX-License-Identifier: MIT */
/* Records of tracked jobs: how they begin, what they tell while the jobs run, and their
 * ends. */
#include "tracked_rig.h"
#include "unit/suite.h"

#include <string.h>

/* ---- how a record begins ----------------------------------------------------------- */

START_TEST(a_push_begins_the_records_of_its_tracked_jobs)
{
    start();
    track("one");
    track("two");
    for (int i = 0; i < 2; i++) {
        script_push(&rig.client.cmd, &rig.queue, "p", 1, &records);
        ck_assert_int_eq(verdict(WORDS("a", "b", "c")), i == 0);
        ck_assert_str_eq(entry_of("one", 0), "state queued");
        ck_assert_str_eq(entry_of("two", 0), "state queued");
        ck_assert_str_eq(entry_of("one", 1), "-");
    }
    expect_kept("two", INT64_C(30) * 86400000);
    EXPECT_LIST(&rig, rig.queue.list, "a", "b", "c");
    stop();
}
END_TEST

START_TEST(a_schedule_begins_records_that_tell_when_the_job_is_due)
{
    start();
    track("one");
    for (int i = 0; i < 2; i++) {
        script_schedule(&rig.client.cmd, &rig.queue, "p", 1, 1, 60000, &records);
        ck_assert_int_eq(verdict(WORDS("R1 a 0 0\nx")), i == 0);
    }
    int64_t due_ms = ASK_INT(&rig, "ZSCORE", rig.queue.sched, "R1 a 0 0\nx");
    ck_assert_str_eq(entry_of("one", 0),
                     rig_format(&rig, "state scheduled due %lld", (long long)due_ms));
    ck_assert_str_eq(entry_of("one", 1), "-");
    expect_kept("one", INT64_C(30) * 86400000);
    stop();
}
END_TEST

START_TEST(a_record_of_the_wrong_type_takes_no_batch)
{
    start();
    track("one");
    track("two");
    ASK(&rig, "SET", key_of("two"), "somebody's");
    const char *before = rig_digest(&rig);
    script_push(&rig.client.cmd, &rig.queue, "p", 1, &records);
    rig_expect_refused(&rig, WORDS("a"), LEAT_EFOREIGN, "WRONGTYPE");
    script_schedule(&rig.client.cmd, &rig.queue, "p", 1, 1, 60000, &records);
    rig_expect_refused(&rig, WORDS("R1 a 0 0\nx"), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
    stop();
}
END_TEST

static const struct redisReply *say(const char *lease, const char *id, const char *what)
{
    script_track(&rig.client.cmd, &rig.queue, bytes_of(key_of(id)), lease, 86400000);
    return WORDS("state", "running", "progress", what);
}

START_TEST(progress_is_told_while_the_lease_lives_and_never_after)
{
    start_with_lease(1);
    ck_assert_int_eq(verdict(say("L1", "one", "1")), 1);
    ck_assert_int_eq(verdict(say("L1", "one", "2")), 1);
    ck_assert_str_eq(entry_of("one", 0), "state running progress 2");
    ck_assert_str_eq(entry_of("one", 1), "state running progress 1");
    expect_kept("one", 86400000);
    track("one");
    ck_assert_int_eq(verdict(TRACKED("L1", "A", "0", "5000", "1", "state", "done")), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(verdict(say("L1", "one", "3")), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_str_eq(entry_of("one", 0), "state done");
    expect_kept("one", 5000);
    stop();
}
END_TEST

START_TEST(a_record_keeps_its_newest_64_entries)
{
    start_with_lease(1);
    for (int i = 1; i <= 70; i++)
        say("L1", "one", rig_format(&rig, "%d", i));
    ck_assert_int_eq(ASK_INT(&rig, "XLEN", key_of("one")), 64);
    ck_assert_str_eq(entry_of("one", 0), "state running progress 70");
    stop();
}
END_TEST

START_TEST(a_record_is_gone_when_its_time_is_over)
{
    start_with_lease(1);
    track("one");
    ck_assert_int_eq(verdict(TRACKED("L1", "A", "0", "1", "1", "state", "done")), 1);
    int64_t deadline_ms = rig_now_ms(&rig) + 20000;
    while (ASK_INT(&rig, "EXISTS", key_of("one")) == 1)
        ck_assert_int_lt(rig_now_ms(&rig), deadline_ms);
    stop();
}
END_TEST

/* ---- outcomes ---------------------------------------------------------------------- */

START_TEST(every_outcome_of_a_tracked_job_is_told_once_under_its_own_key)
{
    start_with_lease(9);
    ASK(&rig, "HSET", rig.queue.cancel, "k", "1");
    static const char *const ids[] = {"A", "C", "R", "L", "D", "E", "K", "X"};
    for (size_t i = 0; i < COUNT(ids); i++)
        track(ids[i]);
    for (int i = 0; i < 2; i++) {
        const char *before = rig_digest(&rig);
        ck_assert_int_eq(
            verdict(TRACKED(
                "L1", "ACRaLDEKX", "1", "a", "1",                             /* */
                "9000", "1", "is", "A",                                       /* A */
                "c", "1", HEAD, "9000", "1", "is", "C", "1", "is", "refused", /* C */
                "R1 L1.2 0 1", "100", "9000", "2", "is", "R", "due", "5",     /* R */
                "R1 L1.4 0 0", "100", "", "9000", "1", "is", "L",             /* L */
                "R1 L1.5 0 1", "9000", "1", "is", "D",                        /* D */
                HEAD, "1", "e", "1", "1", "0", "0", "0", "next", "9000", "1", "is", "E",
                "1", "is", "refused",             /* E */
                "k", "0", "9000", "1", "is", "K", /* K */
                "9000", "1", "is", "X",           /* X */
                "2", "out", "err", "5", "", "err")),
            i == 0);
        if (i > 0)
            ck_assert_str_eq(rig_digest(&rig), before);
    }
    for (size_t i = 0; i < COUNT(ids); i++) {
        const char *want =
            strcmp(ids[i], "R") == 0 ? "is R due 5" : rig_format(&rig, "is %s", ids[i]);
        ck_assert_str_eq(entry_of(ids[i], 0), want);
        ck_assert_str_eq(entry_of(ids[i], 1), "-");
        expect_kept(ids[i], 9000);
    }
    EXPECT_LIST(&rig, mail.list, "next");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_refused_counter_is_what_the_record_tells)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807");
    track("one");
    track("two");
    track("three");
    ck_assert_int_eq(
        verdict(TRACKED(
            "L1", "ECE", "0", "R1 L1.0 0 1", "1", "edge", "1", "1", "0", "0", "0", "next",
            "9000", "1", "state", "done", "2", "state", "dead", "error", "full", /* one */
            "edge", "1", "R1 L1.1 0 1", "9000", "1", "state", "done", "1", "state",
            "dead", /* two */
            "R1 L1.2 0 1", "0", "0", "9000", "1", "state", "done", "1", "state", "dead")),
        1);
    ck_assert_str_eq(entry_of("one", 0), "state dead error full");
    ck_assert_str_eq(entry_of("two", 0), "state dead");
    ck_assert_str_eq(entry_of("three", 0), "state done");
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", mail.list), 0);
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_job_that_is_not_cancelled_after_all_has_nothing_to_tell)
{
    start_with_lease(2);
    track("one");
    track("two");
    ck_assert_int_eq(verdict(TRACKED("L1", "KA", "0", "x", "0", "9000", "1", "is", "K",
                                     "9000", "1", "is", "A")),
                     1);
    ck_assert_str_eq(entry_of("one", 0), "-");
    ck_assert_str_eq(entry_of("two", 0), "is A");
    EXPECT_LIST(&rig, rig.queue.staging, "1");
    stop();
}
END_TEST

START_TEST(a_record_of_the_wrong_type_is_left_alone_and_its_job_ends)
{
    start_with_lease(1);
    track("one");
    ASK(&rig, "SET", key_of("one"), "somebody's");
    const char *before = rig_digest(&rig);
    script_track(&rig.client.cmd, &rig.queue, bytes_of(key_of("one")), "L1", 9000);
    rig_expect_refused(&rig, WORDS("state", "running"), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(
        verdict(TRACKED("L1", "A", "1", "a", "1", "9000", "1", "state", "done")), 1);
    ck_assert_str_eq(rig_text(&rig, reply_bytes(ASK(&rig, "GET", key_of("one")))),
                     "somebody's");
    ck_assert_int_eq(ASK_INT(&rig, "PTTL", key_of("one")), -1);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "1");
    stop();
}
END_TEST

START_TEST(a_record_that_cannot_be_written_stops_no_job)
{
    start_with_lease(1);
    track("one");
    ASK(&rig, "XADD", key_of("one"), "18446744073709551615-18446744073709551615", "a",
        "b");
    ck_assert_int_eq(
        verdict(TRACKED("L1", "A", "1", "a", "1", "9000", "1", "state", "done")), 1);
    ck_assert_str_eq(rig_field(&rig, rig.queue.counters, "a"), "1");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_record_of_the_wrong_form_is_seen_before_the_first_write)
{
    start_with_lease(2);
    track("one");
    const char *before = rig_digest(&rig);
#define BAD(...)                                                                         \
    rig_expect_refused(&rig, TRACKED("L1", __VA_ARGS__), LEAT_EBUG, "BADSETTLE");        \
    ck_assert_str_eq(rig_digest(&rig), before)
    BAD("aA", "0");
    BAD("aA", "0", "9000");
    BAD("aA", "0", "9000", "0");
    BAD("aA", "0", "9000", "1", "state");
    BAD("aA", "0", "for ever", "1", "state", "done");
    BAD("aC", "0", "a", "1", HEAD, "9000", "1", "state", "done");   /* if refused? */
    BAD("AA", "0", "9000", "1", "is", "A", "9000", "1", "is", "A"); /* one key */
#undef BAD
    stop();
}
END_TEST
SUITE("tracked", a_push_begins_the_records_of_its_tracked_jobs,
      a_schedule_begins_records_that_tell_when_the_job_is_due,
      a_record_of_the_wrong_type_takes_no_batch,
      progress_is_told_while_the_lease_lives_and_never_after,
      a_record_keeps_its_newest_64_entries, a_record_is_gone_when_its_time_is_over,
      every_outcome_of_a_tracked_job_is_told_once_under_its_own_key,
      a_refused_counter_is_what_the_record_tells,
      a_job_that_is_not_cancelled_after_all_has_nothing_to_tell,
      a_record_of_the_wrong_type_is_left_alone_and_its_job_ends,
      a_record_that_cannot_be_written_stops_no_job,
      a_record_of_the_wrong_form_is_seen_before_the_first_write)
