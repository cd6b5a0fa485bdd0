/* SPDX-License-Identifier: MIT */
/* Records of tracked jobs, and jobs that somebody waits for. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;
static struct cmd records, claims, begun; /* `begun`: of follow-ups */
static struct queue mail;

#define HEAD "R1 L1.0 0 1 e=full"
#define URL  "http://a/"

static void start(void)
{
    rig_start(&rig);
    cmd_reset(&records);
    cmd_reset(&claims);
    cmd_reset(&begun);
    ck_assert_int_eq(queue_init(&mail, "mail", NULL), LEAT_OK);
}

static void start_with_lease(int jobs)
{
    start();
    rig_push_n(&rig, rig.queue.list, 1, jobs);
    ck_assert_int_eq(rig_reserve(&rig, "L1", jobs), jobs);
}

static void stop(void)
{
    cmd_fini(&records);
    cmd_fini(&claims);
    cmd_fini(&begun);
    rig_stop(&rig);
}

static const char *key_of(const char *id)
{
    return rig_text(&rig, queue_record_key(&rig.queue, bytes_of(id), &rig.arena));
}

static void track(const char *id)
{
    cmd_adds(&records, key_of(id));
}

/* The only follow-up that is tracked. */
static void begin(const char *id)
{
    cmd_reset(&begun);
    cmd_adds(&begun, key_of(id));
}

/* Entry number `nth` of a record, from the newest: "field value field value …". */
static const char *entry_of(const char *id, size_t nth)
{
    struct buf text = {0};
    const struct redisReply *all = ASK(&rig, "XREVRANGE", key_of(id), "+", "-");
    if (reply_count(all) <= nth)
        return "-";
    const struct redisReply *words = reply_at(reply_at(all, nth), 1);
    for (size_t i = 0; i < reply_count(words); i++) {
        struct bytes word = reply_bytes(reply_at(words, i));
        buf_addf(&text, "%s%.*s", i ? " " : "", (int)word.len, word.at);
    }
    const char *kept = rig_text(&rig, buf_bytes(&text));
    buf_fini(&text);
    return kept;
}

static void expect_kept(const char *id, int64_t ms)
{
    int64_t left_ms = ASK_INT(&rig, "PTTL", key_of(id));
    ck_assert_int_gt(left_ms, ms - 60000);
    ck_assert_int_le(left_ms, ms);
}

static int64_t verdict(const struct redisReply *reply)
{
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply_int(reply_is_int(reply) ? reply : reply_at(reply, 0), -9);
}

/* SETTLE of a lease with the records and claims above; target 0 is `mail`. */
#define TRACKED(lease, ...) tracked(lease, (const char *const[]){__VA_ARGS__, NULL})

static const struct redisReply *tracked(const char *lease, const char *const *words)
{
    static const struct queue *const targets[] = {&mail};
    const struct script_keys more = {.claims = &claims,
                                     .targets = targets,
                                     .target_count = 1,
                                     .records = &records,
                                     .begun = &begun};
    script_settle_grow(&rig.client.cmd, &rig.queue, &(struct settle_head){.lease = lease},
                       &more);
    return rig_words(&rig, words);
}

/* ---- how a record begins ----------------------------------------------------------- */

#define WORDS(...) rig_words(&rig, (const char *const[]){__VA_ARGS__, NULL})

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
                "9000", "1", "is", "X")),         /* X */
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
      a_record_of_the_wrong_form_is_seen_before_the_first_write,
      a_tracked_follow_up_has_its_record_from_the_step_that_pushes_it,
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
