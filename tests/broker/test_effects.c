/* SPDX-License-Identifier: MIT */
/* What a job's end brings in the same step, and jobs that stay in hand. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;
static struct queue mail; /* where follow-ups go, beside the queue itself */

#define HEAD "R1 L1.0 0 1 e=full"

static void start_with_lease(int jobs)
{
    rig_start(&rig);
    ck_assert_int_eq(queue_init(&mail, "mail", NULL), LEAT_OK);
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

static int64_t verdict(const struct redisReply *reply)
{
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply_int(reply_at(reply, 0), -9);
}

static const char *said(const struct redisReply *reply, size_t at)
{
    ck_assert_uint_gt(reply_count(reply), at);
    return rig_text(&rig, reply_bytes(reply_at(reply, at)));
}

/* Target 0 is the queue itself, target 1 is `mail`. */
static const struct queue *const targets[] = {&rig.queue, &mail};
static const struct script_keys with_targets = {.targets = targets, .target_count = 2};

/* SETTLE of L1 with those targets, in the text that is refused at maxmemory. */
#define GROW(...) grow(&with_targets, (const char *const[]){__VA_ARGS__, NULL})

static const struct redisReply *grow(const struct script_keys *more,
                                     const char *const *words)
{
    script_settle_grow(&rig.client.cmd, &rig.queue, &(struct settle_head){.lease = "L1"},
                       more);
    return rig_words(&rig, words);
}

/* SETTLE of `lease`, whose jobs that stay go to `next`. */
#define STAY(lease, next, ...) stay(lease, next, (const char *const[]){__VA_ARGS__, NULL})

static const struct redisReply *stay(const char *lease, const char *next,
                                     const char *const *words)
{
    script_settle(&rig.client.cmd, &rig.queue, &(struct settle_head){lease, next, 60000},
                  NULL);
    return rig_words(&rig, words);
}

static void expect_refused(const struct redisReply *reply, const char *before,
                           const char *word)
{
    rig_expect_refused(&rig, reply,
                       strcmp(word, "WRONGTYPE") == 0 ? LEAT_EFOREIGN : LEAT_EBUG, word);
    ck_assert_str_eq(rig_digest(&rig), before);
}

static const char *counter(const char *name)
{
    return rig_field(&rig, rig.queue.counters, name);
}

/* ---- effects ----------------------------------------------------------------------- */

START_TEST(counters_and_follow_ups_happen_with_the_end_of_the_job)
{
    start_with_lease(1);
    int64_t before_ms = rig_now_ms(&rig);
    const struct redisReply *reply =
        GROW("e", "1", "views", "2", HEAD, "2", "a", "5", "b", "-7", "3", "0", "0", "0",
             "here", "1", "0", "0", "there", "1", "60000", "0", "R1 new 0 0\nlater");
    ck_assert_int_eq(verdict(reply), 1);
    ck_assert_uint_eq(reply_count(reply), 1);
    ck_assert_str_eq(counter("views"), "2");
    ck_assert_str_eq(counter("a"), "5");
    ck_assert_str_eq(counter("b"), "-7");
    EXPECT_LIST(&rig, rig.queue.list, "here");
    EXPECT_LIST(&rig, mail.list, "there");
    EXPECT_ZSET(&rig, mail.sched, "R1 new 0 0\nlater");
    int64_t due_ms = ASK_INT(&rig, "ZSCORE", mail.sched, "R1 new 0 0\nlater");
    ck_assert_int_ge(due_ms, before_ms + 60000);
    ck_assert_int_le(due_ms, rig_now_ms(&rig) + 60000);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", mail.ctl), 0);
    ck_assert_int_eq(rig_meta(&rig, "done"), 1);
    rig.pushed++; /* the follow-up that came to this queue */
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(follow_ups_happen_once_however_often_the_settle_is_sent)
{
    start_with_lease(2);
    for (int i = 0; i < 3; i++) {
        const char *before = rig_digest(&rig);
        const struct redisReply *reply =
            GROW("ea", "0", HEAD, "1", "a", "5", "2", "1", "0", "0", "one", "1", "9000",
                 "0", "R1 new 0 0\ntwo");
        ck_assert_int_eq(verdict(reply), i == 0);
        if (i > 0)
            ck_assert_str_eq(rig_digest(&rig), before);
        EXPECT_LIST(&rig, mail.list, "one");
        ck_assert_int_eq(ASK_INT(&rig, "ZCARD", mail.sched), 1);
        ck_assert_str_eq(counter("a"), "5");
    }
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_settle_that_comes_too_late_has_no_effects)
{
    start_with_lease(1);
    rig_expire(&rig, "L1");
    ck_assert_int_eq(rig_reap(&rig, 5), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(
        verdict(GROW("e", "0", HEAD, "1", "a", "5", "1", "1", "0", "0", "one")), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_refused_counter_costs_its_job_all_effects_and_its_neighbours_none)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.counters, "edge", "9223372036854775807", "a", "1", "text",
        "no number");
    ck_assert_int_eq(
        verdict(GROW("eee", "0", "R1 L1.0 0 0 e=full", "1", "a", "1", "1", "1", "0", "0",
                     "first", "R1 L1.1 0 1 e=full", "4", "a", "10", "edge", "1", "text",
                     "1", "b", "10", "2", "1", "0", "0", "second", "1", "9", "0",
                     "R1 new 0 0\nsecond", "R1 L1.2 0 0 e=full", "1", "a", "100", "1",
                     "1", "0", "0", "third")),
        1);
    EXPECT_LIST(&rig, mail.list, "first", "third");
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", mail.sched), 0);
    EXPECT_ZSET(&rig, rig.queue.dead, "R1 L1.1 0 1 e=full\n2");
    ck_assert_str_eq(counter("a"), "102");
    ck_assert_str_eq(counter("edge"), "9223372036854775807");
    ck_assert_str_eq(counter("text"), "no number");
    ck_assert_int_eq(ASK_INT(&rig, "HEXISTS", rig.queue.counters, "b"), 0);
    ck_assert_int_eq(ASK_INT(&rig, "LLEN", rig.queue.fail), 1);
    ck_assert_int_eq(rig_meta(&rig, "done"), 2);
    ck_assert_int_eq(rig_meta(&rig, "dead"), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_follow_up_due_soon_is_told_to_its_workers)
{
    start_with_lease(1);
    ck_assert_int_eq(
        verdict(GROW("e", "0", HEAD, "0", "3", "1", "1000", "0", "R1 n1 0 0\nsoon", "1",
                     "1200", "0", "R1 n2 0 0\nnot first", "1", "9000", "0",
                     "R1 n3 0 0\nlater")),
        1);
    ck_assert_int_eq(ASK_INT(&rig, "XLEN", mail.ctl), 1);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.ctl), 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(equal_follow_ups_stay_two_jobs)
{
    start_with_lease(1);
    ck_assert_int_eq(verdict(GROW("e", "0", HEAD, "0", "4", "1", "0", "0", "same", "1",
                                  "0", "0", "same", "1", "9000", "0", "R1 n 0 0\nsame",
                                  "1", "9000", "0", "R1 n 0 0\nsame")),
                     1);
    EXPECT_LIST(&rig, mail.list, "same", "same");
    ck_assert_int_eq(ASK_INT(&rig, "ZCARD", mail.sched), 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(another_queue_of_the_wrong_type_costs_only_the_job_that_names_it)
{
    const char *const keys[] = {mail.list, mail.sched, mail.ctl};
    for (size_t i = 0; i < COUNT(keys); i++) {
        rig.pushed = 0;
        start_with_lease(2);
        ASK(&rig, "SET", keys[i], "somebody's");
        ck_assert_int_eq(verdict(GROW("ee", "0", HEAD, "1", "b", "1", "2", "0", "0", "0",
                                      "here", "1", "0", "0", "now", HEAD, "1", "a", "1",
                                      "1", "0", "0", "0", "here")),
                         1);
        ck_assert_int_eq(ASK_INT(&rig, "ZCARD", rig.queue.dead), 1);
        EXPECT_LIST(&rig, rig.queue.list, "here");
        rig.pushed++;
        ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.counters), 1);
        rig_expect_books(&rig);
        rig_stop(&rig);
    }
}
END_TEST

START_TEST(its_own_queue_of_the_wrong_type_is_refused_before_the_first_write)
{
    const char *const keys[] = {rig.queue.list, rig.queue.sched, rig.queue.ctl};
    start_with_lease(2);
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        expect_refused(GROW("ee", "1", "a", "1", HEAD, "1", "b", "1", "1", "0", "0", "0",
                            "here", HEAD, "0", "2", "1", "0", "0", "now", "1", "9", "0",
                            "R1 n 0 0\nsoon"),
                       before, "WRONGTYPE");
        ASK(&rig, "DEL", keys[i]);
    }
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(effects_of_the_wrong_form_are_seen_before_the_first_write)
{
    start_with_lease(2);
    const char *before = rig_digest(&rig);
#define BAD(...)                                                                         \
    expect_refused(                                                                      \
        GROW("ee", "0", HEAD, "1", "a", "1", "1", "0", "0", "0", "here", __VA_ARGS__),   \
        before, "BADSETTLE")
    BAD("no header", "0", "0");
    BAD(HEAD, "1", "0");
    BAD(HEAD, "1", "a", "0");
    BAD(HEAD, "many", "a", "1", "0");
    BAD(HEAD, "99999999999999999999", "a", "1", "0");
    BAD(HEAD, "0");
    BAD(HEAD, "0", "1");
    BAD(HEAD, "0", "1", "2", "0", "0", "no such target");
    BAD(HEAD, "0", "1", "-1", "0", "0", "no such target");
    BAD(HEAD, "0", "1", "0", "soon", "0", "entry");
    BAD(HEAD, "0", "1", "0", "-5", "0", "R1 n 0 0\nentry");
    BAD(HEAD, "0", "1", "0", "5", "0", "entry without header");
    BAD(HEAD, "0", "1", "0", "5", "0", "R1 n 0 0");
    BAD(HEAD, "0", "0", "left over");
#undef BAD
    ck_assert_int_eq(verdict(GROW("ee", "0", HEAD, "0", "0", HEAD, "0", "0")), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(without_memory_a_settle_that_grows_changes_nothing)
{
    start_with_lease(1);
    ASK(&rig, "CONFIG", "SET", "maxmemory", "1");
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig,
                       GROW("e", "0", HEAD, "1", "a", "1", "1", "1", "0", "0", "new"),
                       LEAT_EBUSY, "OOM");
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "r", "0", HEAD, "5000")), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* ---- jobs that stay ---------------------------------------------------------------- */

START_TEST(jobs_that_stay_go_into_one_new_lease_in_order_under_the_same_names)
{
    start_with_lease(5);
    const struct redisReply *reply =
        STAY("L1", "L2", "sassx", "1", "a", "1", "R1 L1.0 0 0", "R1 L1.2 0 0",
             "R1 L1.3 1 2 t=5");
    ck_assert_int_eq(verdict(reply), 1);
    ck_assert_str_eq(said(reply, 1), "run");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.body), 1);
    ck_assert_int_gt(ASK_INT(&rig, "ZSCORE", rig.queue.lease, "L2"),
                     rig_now_ms(&rig) + 30000);
    rig_expect_books(&rig);
    /* What has a header moves as it is. */
    ck_assert_int_eq(verdict(STAY("L2", "L3", "gss", "0", "", "", "R1 L1.3 1 3")), 1);
    rig_expect_books(&rig);
    RELEASE(&rig, "L3");
    EXPECT_LIST(&rig, rig.queue.staging, "R1 L1.2 0 0\n3", "R1 L1.3 1 3\n4",
                "R1 L1.0 0 0\n1");
    ck_assert_int_eq(rig_meta(&rig, "res"), 5 + 3 + 2);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_stay_sent_again_tells_whether_the_new_lease_lives)
{
    start_with_lease(2);
    ck_assert_int_eq(verdict(STAY("L1", "L2", "as", "0", "R1 L1.1 0 0")), 1);
    const char *before = rig_digest(&rig);
    const struct redisReply *reply = STAY("L1", "L2", "as", "0", "R1 L1.1 0 0");
    ck_assert_int_eq(verdict(reply), 0);
    ck_assert_str_eq(said(reply, 1), "run");
    ck_assert_str_eq(rig_digest(&rig), before);
    RELEASE(&rig, "L2");
    before = rig_digest(&rig);
    reply = STAY("L1", "L2", "as", "0", "R1 L1.1 0 0");
    ck_assert_str_eq(said(reply, 1), "gone");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_stay_that_does_not_fit_changes_nothing)
{
    start_with_lease(2);
    const char *before = rig_digest(&rig);
    expect_refused(STAY("L1", "L2", "as", "0", ""), before, "BADSETTLE"); /* no iid */
    expect_refused(STAY("L1", NULL, "as", "0", "R1 L1.1 0 0"), before, "BADSETTLE");
    expect_refused(STAY("L1", "L2", "aa", "0"), before, "BADSETTLE");
    expect_refused(STAY("L1", "L1", "as", "0", "R1 L1.1 0 0"), before, "DUPLEASE");
    rig_push(&rig, rig.queue.list, "3");
    rig_reserve(&rig, "L2", 1);
    before = rig_digest(&rig);
    expect_refused(STAY("L1", "L2", "as", "0", "R1 L1.1 0 0"), before, "DUPLEASE");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* ---- cancelled --------------------------------------------------------------------- */

START_TEST(a_cancelled_job_ends_and_takes_its_cancel_with_it)
{
    start_with_lease(2);
    ASK(&rig, "HSET", rig.queue.cancel, "ran", "1", "waited", "1", "other", "1");
    ck_assert_int_eq(verdict(SETTLE(&rig, "L1", "kk", "0", "ran", "1", "waited", "0")),
                     1);
    ck_assert_int_eq(rig_meta(&rig, "cancelled"), 2);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.cancel), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_cancel_ends_one_waiting_job_and_no_second_one)
{
    start_with_lease(3);
    ASK(&rig, "HSET", rig.queue.cancel, "twin", "1");
    ck_assert_int_eq(
        verdict(SETTLE(&rig, "L1", "kkk", "0", "twin", "0", "twin", "0", "ran", "1")), 1);
    EXPECT_LIST(&rig, rig.queue.staging, "2");
    ck_assert_int_eq(rig_meta(&rig, "cancelled"), 2);
    ck_assert_int_eq(rig_meta(&rig, "back"), 1);
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

SUITE("effects", counters_and_follow_ups_happen_with_the_end_of_the_job,
      follow_ups_happen_once_however_often_the_settle_is_sent,
      a_settle_that_comes_too_late_has_no_effects,
      a_refused_counter_costs_its_job_all_effects_and_its_neighbours_none,
      a_follow_up_due_soon_is_told_to_its_workers, equal_follow_ups_stay_two_jobs,
      another_queue_of_the_wrong_type_costs_only_the_job_that_names_it,
      its_own_queue_of_the_wrong_type_is_refused_before_the_first_write,
      effects_of_the_wrong_form_are_seen_before_the_first_write,
      without_memory_a_settle_that_grows_changes_nothing,
      jobs_that_stay_go_into_one_new_lease_in_order_under_the_same_names,
      a_stay_sent_again_tells_whether_the_new_lease_lives,
      a_stay_that_does_not_fit_changes_nothing,
      a_cancelled_job_ends_and_takes_its_cancel_with_it,
      a_cancel_ends_one_waiting_job_and_no_second_one)
