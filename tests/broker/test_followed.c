/* SPDX-License-Identifier: MIT */
/* Records of the jobs that follow others, and of the flights that others follow. */
#include "tracked_rig.h"
#include "unit/suite.h"

#include <string.h>

#define URL "http://a/"

/* ---- follow-ups -------------------------------------------------------------------- */

START_TEST(a_tracked_follow_up_has_its_record_from_the_step_that_pushes_it)
{
    start_with_lease(3);
    track("one");
    cmd_adds(&begun, key_of("now"));
    cmd_adds(&begun, key_of("later"));
    for (int i = 0; i < 3; i++) {
        const char *before = rig_digest(&rig);
        ck_assert_int_eq(
            verdict(TRACKED("L1", "eEe", "0", HEAD, "0", "2", "0", "0", "1", "now", "0",
                            "0", "0", "plain", /* */
                            HEAD, "0", "1", "0", "60000", "2", "R1 n1 0 0\nlater", "9000",
                            "1", "is", "E", "1", "is", "refused", /* one */
                            HEAD, "0", "0")),
            i == 0);
        if (i > 0)
            ck_assert_str_eq(rig_digest(&rig), before);
    }
    int64_t due_ms = ASK_INT(&rig, "ZSCORE", mail.sched, "R1 n1 0 0\nlater");
    ck_assert_str_eq(entry_of("later", 0),
                     rig_format(&rig, "state scheduled due %lld", (long long)due_ms));
    ck_assert_str_eq(entry_of("later", 1), "-");
    ck_assert_str_eq(entry_of("now", 0), "state queued");
    ck_assert_str_eq(entry_of("now", 1), "-");
    expect_kept("now", INT64_C(30) * 86400000);
    expect_kept("later", INT64_C(30) * 86400000);
    ck_assert_str_eq(entry_of("one", 0), "is E");
    ck_assert_str_eq(entry_of("one", 1), "-");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_follow_up_that_is_not_pushed_leaves_no_record)
{
    start_with_lease(2);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807");
    cmd_adds(&begun, key_of("refused"));
    cmd_adds(&begun, key_of("pushed"));
    for (int i = 0; i < 2; i++) { /* the sums refuse; then the job's own counter */
        const char *const sum = i == 0 ? "edge" : "a";
        int64_t said =
            verdict(TRACKED("L1", "ee", "1", sum, "1", HEAD, "1", "edge", "1", "1", "0",
                            "0", "1", "next", HEAD, "0", "1", "0", "0", "2", "next"));
        ck_assert_int_eq(said, i == 0 ? -1 : 1);
        ck_assert_str_eq(entry_of("refused", 0), "-");
        ck_assert_str_eq(entry_of("pushed", 0), i == 0 ? "-" : "state queued");
    }
    rig_push(&rig, rig.queue.list, "late");
    ck_assert_int_eq(rig_reserve(&rig, "L2", 1), 1);
    rig_expire(&rig, "L2");
    ck_assert_int_eq(rig_reap(&rig, 5), 1);
    begin("late");
    ck_assert_int_eq(
        verdict(TRACKED("L2", "e", "0", HEAD, "0", "1", "0", "0", "1", "next")), 0);
    ck_assert_str_eq(entry_of("late", 0), "-");
    stop();
}
END_TEST

START_TEST(a_job_that_pushes_one_of_its_own_id_is_done_before_that_one_waits)
{
    start_with_lease(1);
    track("one");
    begin("one");
    ck_assert_int_eq(
        verdict(TRACKED("L1", "E", "0", HEAD, "0", "1", "0", "0", "1", "next", "9000",
                        "1", "state", "done", "1", "state", "dead")),
        1);
    ck_assert_str_eq(entry_of("one", 0), "state queued");
    ck_assert_str_eq(entry_of("one", 1), "state done");
    expect_kept("one", INT64_C(30) * 86400000);
    stop();
}
END_TEST

START_TEST(a_record_of_a_follow_up_that_cannot_be_written_stops_nothing)
{
    start_with_lease(1);
    begin("one");
    ASK(&rig, "SET", key_of("one"), "somebody's");
    ck_assert_int_eq(
        verdict(TRACKED("L1", "e", "0", HEAD, "0", "1", "0", "0", "1", "next")), 1);
    EXPECT_LIST(&rig, mail.list, "next");
    ck_assert_str_eq(rig_text(&rig, reply_bytes(ASK(&rig, "GET", key_of("one")))),
                     "somebody's");
    ck_assert_int_eq(ASK_INT(&rig, "PTTL", key_of("one")), -1);
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(records_of_follow_ups_are_numbered_in_order_before_the_first_write)
{
    start_with_lease(2);
    begin("one");
    const char *before = rig_digest(&rig);
#define BAD(first, second)                                                               \
    rig_expect_refused(&rig,                                                             \
                       TRACKED("L1", "ee", "0", HEAD, "0", "1", "0", "0", first, "next", \
                               HEAD, "0", "1", "0", "0", second, "next"),                \
                       LEAT_EBUG, "BADSETTLE");                                          \
    ck_assert_str_eq(rig_digest(&rig), before)
    BAD("0", "0"); /* whose is the key? */
    BAD("1", "1");
    BAD("0", "2");
    BAD("1", "2"); /* one key */
    BAD("0", "01");
    BAD("0", "yes");
    BAD("0", "");
#undef BAD
    stop();
}
END_TEST

/* ---- flights ----------------------------------------------------------------------- */

/* The record of the follow-up that stands behind a job. */
static const char *record_behind(const char *job)
{
    return rig_format(&rig, "behind %s", job);
}

/* Push a job, reserve it under `lease`, and claim the flight of URL in the name of a
 * tracked job with one tracked follow-up. */
static const char *fly(const char *job, const char *lease, const char *own,
                       const char *max_age_ms)
{
    rig_push(&rig, rig.queue.list, job);
    ck_assert_int_eq(rig_reserve(&rig, lease, 1), 1);
    cmd_reset(&claims);
    cmd_reset(&records);
    cmd_add(&claims, rig_cache_key(&rig, URL));
    track(job);
    begin(record_behind(job));
    const struct redisReply *reply = TRACKED(
        lease, "F", "0", rig_format(&rig, "R1 %s.0 0 0", lease), own, "60000", max_age_ms,
        "1", "0", "0", "1", record_behind(job), "9000", "1", "state", "done");
    ck_assert_int_eq(verdict(reply), 1);
    const char *said = rig_text(&rig, reply_bytes(reply_at(reply, 1)));
    rig_expect_books(&rig);
    return said;
}

static int64_t land(const char *job, const char *lease, const char *mode)
{
    static const struct queue *const targets[] = {&mail};
    const struct script_keys more = {
        .targets = targets, .target_count = 1, .records = &records, .begun = &begun};
    cmd_reset(&records);
    track(job);
    begin(record_behind(job));
    script_land(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, URL), lease, &more);
    if (strcmp(mode, "store") == 0)
        return verdict(WORDS("store", "tag", "1000", "7200000", "the page", "text/html",
                             "", "200", "1", "0", "0", "1", record_behind(job), "9000",
                             "1", "state", "done"));
    return verdict(WORDS("extend", "tag", "1000", "7200000", "1", "0", "0", "1",
                         record_behind(job), "9000", "1", "state", "done"));
}

START_TEST(what_follows_a_refresh_comes_when_its_copy_is_kept_and_once)
{
    start();
    ck_assert_str_eq(fly("first", "L1", "N1", "60000"), "run");
    ck_assert_int_eq(
        ASK_INT(&rig, "EXISTS", mail.list, key_of("first"), key_of("behind first")), 0);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(land("first", "N1", "extend"), -1); /* there is no copy */
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(land("first", "N1", "store"), 1);
    EXPECT_LIST(&rig, mail.list, "behind first");
    ck_assert_str_eq(entry_of("first", 0), "state done");
    ck_assert_str_eq(entry_of("behind first", 0), "state queued");
    ck_assert_str_eq(entry_of("behind first", 1), "-");
    expect_kept("behind first", INT64_C(30) * 86400000);
    before = rig_digest(&rig);
    ck_assert_int_eq(land("first", "N1", "store"), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(what_follows_a_refresh_comes_when_it_is_fresh_or_merged)
{
    start();
    ck_assert_str_eq(fly("first", "L1", "N1", "60000"), "run");
    ck_assert_str_eq(fly("second", "L2", "N2", "60000"), "merged");
    EXPECT_LIST(&rig, mail.list, "behind second");
    ck_assert_str_eq(entry_of("second", 0), "state done");
    ck_assert_str_eq(entry_of("behind second", 0), "state queued");
    ck_assert_str_eq(entry_of("behind first", 0), "-");
    ck_assert_int_eq(land("first", "N1", "store"), 1);
    ck_assert_str_eq(fly("third", "L3", "N3", "60000"), "fresh");
    EXPECT_LIST(&rig, mail.list, "behind second", "behind first", "behind third");
    ck_assert_str_eq(entry_of("third", 0), "state done");
    ck_assert_str_eq(entry_of("behind third", 0), "state queued");
    stop();
}
END_TEST

START_TEST(what_follows_a_flight_that_was_overtaken_comes_all_the_same)
{
    start();
    fly("first", "L1", "N1", "60000");
    ASK(&rig, "DEL", rig.queue.slot);
    ck_assert_int_eq(land("first", "N1", "store"), 2);
    EXPECT_LIST(&rig, mail.list, "behind first");
    ck_assert_str_eq(entry_of("behind first", 0), "state queued");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(records_of_the_wrong_type_keep_no_copy_from_landing)
{
    start();
    fly("first", "L1", "N1", "60000");
    ASK(&rig, "SET", key_of("first"), "somebody's");
    ASK(&rig, "SET", key_of("behind first"), "somebody's");
    ck_assert_int_eq(land("first", "N1", "store"), 1);
    EXPECT_LIST(&rig, mail.list, "behind first");
    ck_assert_int_eq(ASK_INT(&rig, "PTTL", key_of("behind first")), -1);
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_job_that_is_waited_for_is_not_replaced_behind_a_flight)
{
    start();
    fly("first", "L1", "N1", "60000");
    ck_assert_str_eq(fly("second", "L2", "N2", "0"), "again");
    ck_assert_str_eq(fly("third", "L3", "N3", "0"), "merged");
    EXPECT_LIST(&rig, mail.list, "behind third");
    rig_push(&rig, rig.queue.list, "plain");
    ck_assert_int_eq(rig_reserve(&rig, "L4", 1), 1);
    ck_assert_str_eq(rig_claim(&rig, "L4", URL, "R1 L4.0 0 0", "N4", "0"), "merged");
    ck_assert_int_eq(land("first", "N1", "store"), 1);
    /* Its turn: as any other, and it may have to wait once more. */
    ck_assert_int_eq(rig_reserve(&rig, "L5", 1), 1);
    ck_assert(strstr(rig.job[0], "\nsecond") != NULL);
    ck_assert(strncmp(rig.job[0], "R1 L2.0 0 0 k=c:", 16) == 0);
    ck_assert_str_eq(entry_of("second", 0), "-");
    rig_expect_books(&rig);
    stop();
}
END_TEST

START_TEST(a_landing_of_the_wrong_form_changes_nothing)
{
    static const struct queue *const targets[] = {&mail};
    start();
    fly("first", "L1", "N1", "60000");
    const struct script_keys more = {
        .targets = targets, .target_count = 1, .records = &records, .begun = &begun};
    const char *before = rig_digest(&rig);
#define BAD(...)                                                                         \
    script_land(&rig.client.cmd, &rig.queue, rig_cache_key(&rig, URL), "N1", &more);     \
    rig_expect_refused(&rig,                                                             \
                       WORDS("store", "tag", "1000", "7200000", "the page", "text/html", \
                             "", "200" __VA_OPT__(, ) __VA_ARGS__),                      \
                       LEAT_EBUG, "BADSETTLE");                                          \
    ck_assert_str_eq(rig_digest(&rig), before)
    BAD();
    BAD("0");
    BAD("1", "1", "0", "1", "no such target", "9000", "1", "is", "A");
    BAD("1", "0", "5", "1", "no header", "9000", "1", "is", "A");
    BAD("0", "9000", "0");
    BAD("0", "9000", "1", "is", "A", "left over");
    BAD("0", "9000", "1", "is", "A"); /* whose is the last key? */
    BAD("1", "0", "0", "0", "not tracked", "9000", "1", "is", "A");
    BAD("1", "0", "0", "2", "one key", "9000", "1", "is", "A");
    BAD("1", "0", "0", "1", "no arguments for the job's record");
#undef BAD
    stop();
}
END_TEST
SUITE("followed", a_tracked_follow_up_has_its_record_from_the_step_that_pushes_it,
      a_follow_up_that_is_not_pushed_leaves_no_record,
      a_job_that_pushes_one_of_its_own_id_is_done_before_that_one_waits,
      a_record_of_a_follow_up_that_cannot_be_written_stops_nothing,
      records_of_follow_ups_are_numbered_in_order_before_the_first_write,
      what_follows_a_refresh_comes_when_its_copy_is_kept_and_once,
      what_follows_a_refresh_comes_when_it_is_fresh_or_merged,
      what_follows_a_flight_that_was_overtaken_comes_all_the_same,
      records_of_the_wrong_type_keep_no_copy_from_landing,
      a_job_that_is_waited_for_is_not_replaced_behind_a_flight,
      a_landing_of_the_wrong_form_changes_nothing)
