/* SPDX-License-Identifier: MIT */
/* Jobs that fetch a cache key: one flight per key, whatever happens to its holder. */
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

static struct rig rig;

#define URL "http://a/"

/* Push a job, reserve it under `lease` and claim the flight of URL under `own`. */
static const char *fly(const char *job, const char *lease, const char *own,
                       const char *max_age_ms)
{
    rig_push(&rig, rig.queue.list, job);
    ck_assert_int_eq(rig_reserve(&rig, lease, 1), 1);
    const char *verdict = rig_claim(
        &rig, lease, URL, rig_format(&rig, "R1 %s.0 0 0", lease), own, max_age_ms);
    rig_expect_books(&rig);
    return verdict;
}

/* SETTLE of L1, with claims of one or two keys. */
#define CLAIMS(one, two, ...)                                                            \
    claim_both(one, two, (const char *const[]){__VA_ARGS__, NULL})

static const struct redisReply *claim_both(const char *one, const char *two,
                                           const char *const *words)
{
    struct cmd keys = {0};
    cmd_add(&keys, rig_cache_key(&rig, one));
    if (two != NULL)
        cmd_add(&keys, rig_cache_key(&rig, two));
    rig_settle(&rig, "L1", &(struct script_keys){.claims = &keys});
    cmd_fini(&keys);
    return rig_words(&rig, words);
}

static const char *slot(void)
{
    const struct redisReply *all = ASK(&rig, "HVALS", rig.queue.slot);
    return reply_count(all) == 0 ? "-" : rig_text(&rig, reply_bytes(reply_at(all, 0)));
}

static const char *slot_field(void)
{
    const struct redisReply *all = ASK(&rig, "HKEYS", rig.queue.slot);
    return rig_text(&rig, reply_bytes(reply_at(all, 0)));
}

/* The queue holds this job alone, and the flight is its, waiting. */
static void expect_next(const char *iid, const char *job)
{
    EXPECT_LIST(&rig, rig.queue.list,
                rig_format(&rig, "R1 %s 0 0 k=%s\n%s", iid, slot_field(), job));
    const char *holder = rig_format(&rig, "%s - ", iid);
    ck_assert(strncmp(slot(), holder, strlen(holder)) == 0);
}

static int64_t store(const char *lease, const char *etag)
{
    int64_t verdict =
        reply_int(LAND(&rig, URL, lease, "store", etag, "3600000", "7200000", "the page",
                       "text/html", "yesterday", "200"),
                  -9);
    rig_expect_books(&rig);
    return verdict;
}

static const char *copy_key(void)
{
    return rig_text(&rig, rig_cache_key(&rig, URL));
}

static const char *kept(const char *field)
{
    return rig_field(&rig, copy_key(), field);
}

START_TEST(a_claim_moves_the_job_into_a_lease_of_its_own)
{
    rig_start(&rig);
    ck_assert_str_eq(fly("job", "L1", "N1", "1000"), "run");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.body), 1);
    ck_assert_int_gt(ASK_INT(&rig, "ZSCORE", rig.queue.lease, "N1"), rig_now_ms(&rig));
    ck_assert(strncmp(slot(), "L1.0 N1 ", 8) == 0);
    RELEASE(&rig, "N1");
    rig_reserve(&rig, "L2", 1);
    ck_assert(strncmp(rig.job[0], "R1 L1.0 0 0 k=c:", 16) == 0);
    ck_assert_str_eq(strchr(rig.job[0], '\n'), "\njob");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_copy_young_enough_ends_the_job_as_fresh)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_int_eq(store("N1", "etag"), 1);
    ck_assert_str_eq(fly("second", "L2", "N2", "60000"), "fresh");
    ck_assert_int_eq(rig_meta(&rig, "fresh"), 1);
    ck_assert_int_eq(rig_meta(&rig, "done"), 2);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.slot, rig.queue.body), 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_copy_too_old_is_fetched)
{
    rig_start(&rig);
    ASK(&rig, "HSET", copy_key(), "fetched",
        rig_format(&rig, "%lld", (long long)rig_now_ms(&rig) - 60001));
    ck_assert_str_eq(fly("job", "L1", "N1", "60000"), "run");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_job_merges_into_the_flight_under_way)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_str_eq(fly("second", "L2", "N2", "1000"), "merged");
    ck_assert_int_eq(rig_meta(&rig, "merged"), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HEXISTS", rig.queue.body, "N2"), 0);
    ck_assert(strncmp(slot(), "L1.0 N1 ", 8) == 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(two_jobs_of_one_key_in_one_lease_make_one_flight)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_reserve(&rig, "L1", 2);
    const struct redisReply *reply =
        CLAIMS(URL, URL, "ff", "0", "R1 L1.0 0 0", "N1", "60000", "1000", "0",
               "R1 L1.1 0 0", "N2", "60000", "1000", "0");
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 1)), "run"));
    ck_assert(bytes_is(reply_bytes(reply_at(reply, 2)), "merged"));
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(one_new_lease_id_for_two_claims_is_refused)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_reserve(&rig, "L1", 2);
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig,
                       CLAIMS("a", "b", "ff", "0", "R1 L1.0 0 0", "N1", "60000", "1000",
                              "0", "R1 L1.1 0 0", "N1", "60000", "1000", "0"),
                       LEAT_EBUG, "DUPLEASE");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_new_lease_id_in_use_is_refused)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_reserve(&rig, "L1", 1);
    rig_reserve(&rig, "L2", 1);
    const char *before = rig_digest(&rig);
    for (int i = 0; i < 2; i++) {
        rig_expect_refused(&rig,
                           CLAIMS(URL, NULL, "f", "0", "R1 L1.0 0 0",
                                  i == 0 ? "L2" : "L1", "60000", "1000", "0"),
                           LEAT_EBUG, "DUPLEASE");
        ck_assert_str_eq(rig_digest(&rig), before);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_claim_sent_again_tells_whether_its_flight_lives)
{
    rig_start(&rig);
    rig_push(&rig, rig.queue.list, "job");
    rig_reserve(&rig, "L1", 1);
    ck_assert_str_eq(rig_claim(&rig, "L1", URL, "R1 L1.0 0 0", "N1", "1000"), "run");
    const char *before = rig_digest(&rig);
    ck_assert_str_eq(rig_claim(&rig, "L1", URL, "R1 L1.0 0 0", "N1", "1000"), "run");
    ck_assert_str_eq(rig_digest(&rig), before);
    RELEASE(&rig, "N1");
    before = rig_digest(&rig);
    ck_assert_str_eq(rig_claim(&rig, "L1", URL, "R1 L1.0 0 0", "N1", "1000"), "gone");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

/* Is the schedule's one entry a job with one token `k=`? Then make it due. */
static void promote_the_retry(const char *head)
{
    const struct redisReply *reply = ASK(&rig, "ZRANGE", rig.queue.sched, "0", "-1");
    ck_assert_uint_eq(reply_count(reply), 1);
    const char *entry = rig_text(&rig, reply_bytes(reply_at(reply, 0)));
    ck_assert(strncmp(entry, head, strlen(head)) == 0);
    const char *flight = strstr(entry, " k=");
    ck_assert(flight != NULL && strstr(flight + 1, " k=") == NULL);
    ASK(&rig, "ZADD", rig.queue.sched, "XX", "1", entry);
    script_promote(&rig.client.cmd, &rig.queue, 10);
    rig_ask(&rig);
}

START_TEST(a_flight_that_waits_for_its_retry_still_merges_others_and_takes_its_slot_again)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_ptr_nonnull(SETTLE(&rig, "N1", "r", "0", "R1 L1.0 0 1", "5000"));
    ck_assert(strncmp(slot(), "L1.0 - ", 7) == 0);
    ck_assert_str_eq(fly("second", "L2", "N2", "1000"), "merged");
    promote_the_retry("R1 L1.0 0 1 k=c:");
    rig_reserve(&rig, "L3", 1);
    /* The worker hands the tokens on that it read: still one flight in the header. */
    const char *header =
        rig_format(&rig, "%.*s", (int)strcspn(rig.job[0], "\n"), rig.job[0]);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, header, "N3", "1000"), "run");
    ck_assert(strncmp(slot(), "L1.0 N3 ", 8) == 0);
    SETTLE(&rig, "N3", "r", "0", header, "5000");
    promote_the_retry("R1 L1.0 0 1 k=c:");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(it_changed_waits_behind_the_flight_and_the_newest_wins)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_str_eq(fly("second", "L2", "N2", "0"), "again");
    ck_assert_int_eq(rig_meta(&rig, "merged"), 0);
    ck_assert_str_eq(fly("third", "L3", "N3", "0"), "again");
    ck_assert_int_eq(rig_meta(&rig, "merged"), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.again), 1);
    ck_assert_int_eq(store("N1", "etag"), 1);
    expect_next("L3.0", "third");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.again), 0);
    rig_reserve(&rig, "L4", 1);
    ck_assert_str_eq(rig_claim(&rig, "L4", URL, "R1 L3.0 0 0", "N4", "0"), "run");
    ck_assert_int_eq(store("N4", "etag"), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.slot), 0);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_purged_job_ends_its_flight_but_not_anothers)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_str_eq(fly("second", "L2", "N2", "0"), "again");
    rig_push(&rig, rig.queue.list,
             rig_format(&rig, "R1 other 0 1 k=%s\nthird", slot_field()));
    script_purge(&rig.client.cmd, &rig.queue, 500);
    ck_assert_int_eq(reply_int(rig_ask(&rig), -9), 1);
    ck_assert(strncmp(slot(), "L1.0 N1 ", 8) == 0);
    RELEASE(&rig, "N1");
    script_purge(&rig.client.cmd, &rig.queue, 1);
    ck_assert_int_eq(reply_int(rig_ask(&rig), -9), 1);
    expect_next("L2.0", "second");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(while_the_asked_again_waits_in_the_queue_others_merge_into_it)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    fly("second", "L2", "N2", "0");
    ck_assert_int_eq(SETTLE(&rig, "N1", "x", "0") != NULL, 1);
    ASK(&rig, "LPUSH", rig.queue.high, "third");
    rig.pushed++;
    rig_reserve(&rig, "L3", 1);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, "R1 L3.0 0 0", "N3", "1000"), "merged");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_crash_of_the_holder_frees_the_slot_at_once)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    rig_expire(&rig, "N1");
    ck_assert_int_eq(rig_reap(&rig, 5), 1);
    ASK(&rig, "RENAME", rig.queue.staging, "kept"); /* the second comes first */
    ck_assert_int_eq(rig_reserve(&rig, "L0", 1), 0);
    rig_push(&rig, rig.queue.list, "second");
    rig_reserve(&rig, "L2", 1);
    ck_assert_str_eq(rig_claim(&rig, "L2", URL, "R1 L2.0 0 0", "N2", "1000"), "run");
    ASK(&rig, "RENAME", "kept", rig.queue.staging);
    rig_reserve(&rig, "L3", 1);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, "R1 L1.0 1 0", "N3", "1000"), "merged");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_redelivered_job_takes_its_own_slot)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    fly("second", "L2", "N2", "0"); /* waits behind it */
    rig_expire(&rig, "N1");
    rig_reap(&rig, 5);
    rig_reserve(&rig, "L3", 1);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, "R1 L1.0 1 0", "N3", "0"), "run");
    ck_assert(strncmp(slot(), "L1.0 N3 ", 8) == 0);
    ck_assert_int_eq(store("N1", "late"), 0);
    ck_assert_str_eq(kept("etag"), "-");
    ck_assert_int_eq(store("N3", "etag"), 1);
    expect_next("L2.0", "second");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_redelivered_job_that_finds_a_fresh_copy_frees_its_slot)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    fly("second", "L2", "N2", "0");
    RELEASE(&rig, "N1");
    ASK(&rig, "HSET", copy_key(), "fetched",
        rig_format(&rig, "%lld", (long long)rig_now_ms(&rig)));
    rig_reserve(&rig, "L3", 1);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, "R1 L1.0 0 0", "N3", "60000"), "fresh");
    expect_next("L2.0", "second");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

/* A flight ends so; what waited behind it must be pushed, and the slot be its. */
static void end_by(const char *letter, const char *argument)
{
    ASK(&rig, "FLUSHALL");
    rig.pushed = 0;
    fly("first", "L1", "N1", "1000");
    fly("second", "L2", "N2", "0");
    ck_assert_ptr_nonnull(SETTLE(&rig, "N1", letter, "0", argument));
    expect_next("L2.0", "second");
    rig_expect_books(&rig);
}

START_TEST(every_end_of_a_flight_pushes_what_was_asked_meanwhile)
{
    rig_start(&rig);
    end_by("d", "R1 L1.0 0 9");
    end_by("x", NULL);
    end_by("b", "60"); /* not even a job for the next version of the worker */
    rig_stop(&rig);
}
END_TEST

/* What was asked again has the flight, waiting: if it ends without a fetch of its own,
 * what was asked behind it must not wait for ever. */
static void last_ends_by(const char *letter, const char *argument)
{
    end_by("x", NULL);
    ASK(&rig, "LPUSH", rig.queue.high, "third"); /* served before the second */
    rig.pushed++;
    rig_reserve(&rig, "L3", 1);
    ck_assert_str_eq(rig_claim(&rig, "L3", URL, "R1 L3.0 0 0", "N3", "0"), "again");
    rig_reserve(&rig, "L4", 1);
    ck_assert_str_eq(strchr(rig.job[0], '\n'), "\nsecond");
    ck_assert_ptr_nonnull(SETTLE(&rig, "L4", letter, "0", argument));
    expect_next("L3.0", "third");
    rig_expect_books(&rig);
}

START_TEST(what_was_asked_again_ends_its_flight_like_any_other)
{
    rig_start(&rig);
    last_ends_by("x", NULL);
    last_ends_by("d", "R1 L2.0 5 0");
    last_ends_by("b", "0");
    rig_stop(&rig);
}
END_TEST

START_TEST(a_slot_taken_over_meanwhile_is_left_alone)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    ck_assert_ptr_nonnull(SETTLE(&rig, "N1", "r", "0", "R1 L1.0 0 1", "0"));
    const struct redisReply *fields = ASK(&rig, "HKEYS", rig.queue.slot);
    const char *field = rig_text(&rig, reply_bytes(reply_at(fields, 0)));
    ASK(&rig, "HSET", rig.queue.slot, field, "L1.0 - 1"); /* waited too long */
    ck_assert_str_eq(fly("second", "L2", "N2", "1000"), "run");
    promote_the_retry("R1 L1.0 0 1 k=c:");
    rig_reserve(&rig, "L3", 1);
    SETTLE(&rig, "L3", "d", "0", "R1 L1.0 0 2");
    ck_assert(strncmp(slot(), "L2.0 N2 ", 8) == 0);
    rig_stop(&rig);
}
END_TEST

/* ---- landing ----------------------------------------------------------------------- */

START_TEST(landing_keeps_the_copy_and_ends_lease_and_flight)
{
    rig_start(&rig);
    fly("job", "L1", "N1", "1000");
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(store("N1", "\"v1\""), 1);
    ck_assert_str_eq(kept("body"), "the page");
    ck_assert_str_eq(kept("type"), "text/html");
    ck_assert_str_eq(kept("etag"), "\"v1\"");
    ck_assert_str_eq(kept("lm"), "yesterday");
    ck_assert_str_eq(kept("status"), "200");
    int64_t fetched_ms = strtoll(kept("fetched"), NULL, 10);
    ck_assert_int_ge(fetched_ms, before_ms);
    ck_assert_int_eq(strtoll(kept("fresh"), NULL, 10), fetched_ms + 3600000);
    int64_t keep_ms = ASK_INT(&rig, "PTTL", copy_key());
    ck_assert_int_gt(keep_ms, 7100000);
    ck_assert_int_le(keep_ms, 7200000);
    ck_assert_int_eq(
        ASK_INT(&rig, "EXISTS", rig.queue.slot, rig.queue.body, rig.queue.lease), 0);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(store("N1", "\"v2\""), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

static int64_t extend(const char *lease, const char *etag)
{
    return reply_int(LAND(&rig, URL, lease, "extend", etag, "3600000", "7200000"), -9);
}

START_TEST(not_modified_extends_only_the_copy_that_was_asked_about)
{
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(extend("N1", "\"v1\""), -1); /* there is no copy */
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(store("N1", "\"v1\""), 1);
    ASK(&rig, "HSET", copy_key(), "fetched", "1", "fresh", "2");
    ck_assert_str_eq(fly("second", "L2", "N2", "1000"), "run");
    before = rig_digest(&rig);
    ck_assert_int_eq(extend("N2", "\"v0\""), -1);
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(extend("N2", "\"v1\""), 1);
    ck_assert_str_eq(kept("body"), "the page");
    ck_assert_int_gt(strtoll(kept("fresh"), NULL, 10), rig_now_ms(&rig));
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_flight_whose_slot_is_anothers_lands_without_a_write)
{
    rig_start(&rig);
    fly("job", "L1", "N1", "1000");
    const struct redisReply *fields = ASK(&rig, "HKEYS", rig.queue.slot);
    const char *field = rig_text(&rig, reply_bytes(reply_at(fields, 0)));
    ASK(&rig, "HSET", rig.queue.slot, field, "L9.0 N9 99999999999999");
    ck_assert_int_eq(store("N1", "etag"), 2);
    ck_assert_str_eq(kept("body"), "-");
    ck_assert_str_eq(slot(), "L9.0 N9 99999999999999");
    rig_stop(&rig);
}
END_TEST

START_TEST(only_a_lease_of_one_job_can_land)
{
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 2);
    rig_reserve(&rig, "L1", 2);
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, LAND(&rig, URL, "L1", "extend", "", "1", "1"), LEAT_EBUG,
                       "BADSETTLE");
    ck_assert_str_eq(rig_digest(&rig), before);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_is_refused_before_the_first_write)
{
    const char *const keys[] = {rig.queue.lease, rig.queue.meta, rig.queue.slot,
                                rig.queue.again, rig.queue.list, "{leat:q}:cache:" URL};
    rig_start(&rig);
    fly("first", "L1", "N1", "1000");
    fly("second", "L2", "N2", "0");
    for (size_t i = 0; i < COUNT(keys); i++) {
        ASK(&rig, "COPY", keys[i], "kept", "REPLACE");
        ASK(&rig, "SET", keys[i], "somebody's");
        const char *before = rig_digest(&rig);
        rig_expect_refused(
            &rig, LAND(&rig, URL, "N1", "store", "", "1", "1", "b", "", "", "200"),
            LEAT_EFOREIGN, "WRONGTYPE");
        ck_assert_str_eq(rig_digest(&rig), before);
        ASK(&rig, "DEL", keys[i]);
        ASK(&rig, "COPY", "kept", keys[i], "REPLACE");
        ASK(&rig, "DEL", "kept");
    }
    ck_assert_int_eq(store("N1", "etag"), 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(without_memory_nothing_lands_but_all_that_drains_runs)
{
    rig_start(&rig);
    fly("flight", "L1", "N1", "1000");
    rig_push_n(&rig, rig.queue.list, 1, 4);
    rig_reserve(&rig, "L2", 2);
    ASK(&rig, "CONFIG", "SET", "maxmemory", "1");
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig,
                       LAND(&rig, URL, "N1", "store", "", "1", "1", "b", "", "", "200"),
                       LEAT_EBUSY, "OOM");
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_ptr_nonnull(SETTLE(&rig, "N1", "r", "0", "R1 L1.0 0 1 e=full", "0"));
    ck_assert_int_eq(reply_int(ACK(&rig, "L2", 2, "a", "1"), -9), 1);
    ck_assert_int_eq(rig_reserve(&rig, "L3", 1), 1);
    script_extend(&rig.client.cmd, &rig.queue, 60000);
    ck_assert_ptr_nonnull(rig_words(&rig, (const char *const[]){"L3", NULL}));
    script_promote(&rig.client.cmd, &rig.queue, 10);
    ck_assert_ptr_nonnull(rig_call(&rig));
    script_trim(&rig.client.cmd, &rig.queue);
    ck_assert_ptr_nonnull(rig_call(&rig));
    script_reap(&rig.client.cmd, &rig.queue, 5);
    ck_assert_ptr_nonnull(rig_call(&rig));
    ck_assert_int_eq(reply_int(RELEASE(&rig, "L3"), -9), 1);
    script_push(&rig.client.cmd, &rig.queue, "p", 1, NULL);
    rig_expect_refused(&rig, rig_words(&rig, (const char *const[]){"new", NULL}),
                       LEAT_EBUSY, "OOM");
    rig_expect_books(&rig);
    rig_stop(&rig);
}
END_TEST

SUITE("flights", a_purged_job_ends_its_flight_but_not_anothers,
      a_claim_moves_the_job_into_a_lease_of_its_own,
      a_copy_young_enough_ends_the_job_as_fresh, a_copy_too_old_is_fetched,
      a_job_merges_into_the_flight_under_way,
      two_jobs_of_one_key_in_one_lease_make_one_flight,
      one_new_lease_id_for_two_claims_is_refused, a_new_lease_id_in_use_is_refused,
      a_claim_sent_again_tells_whether_its_flight_lives,
      a_flight_that_waits_for_its_retry_still_merges_others_and_takes_its_slot_again,
      it_changed_waits_behind_the_flight_and_the_newest_wins,
      while_the_asked_again_waits_in_the_queue_others_merge_into_it,
      a_crash_of_the_holder_frees_the_slot_at_once, a_redelivered_job_takes_its_own_slot,
      a_redelivered_job_that_finds_a_fresh_copy_frees_its_slot,
      every_end_of_a_flight_pushes_what_was_asked_meanwhile,
      what_was_asked_again_ends_its_flight_like_any_other,
      a_slot_taken_over_meanwhile_is_left_alone,
      landing_keeps_the_copy_and_ends_lease_and_flight,
      not_modified_extends_only_the_copy_that_was_asked_about,
      a_flight_whose_slot_is_anothers_lands_without_a_write,
      only_a_lease_of_one_job_can_land,
      a_key_of_the_wrong_type_is_refused_before_the_first_write,
      without_memory_nothing_lands_but_all_that_drains_runs)
