/* SPDX-License-Identifier: MIT */
/* Walks over what rests in a queue, and finding some of it by name. */
#include "rig.h"
#include "broker/resting_find.h"
#include "broker/tails_find.h"
#include "schema/failure.h"
#include "unit/suite.h"

#include <stdio.h>
#include <string.h>

static struct rig rig;

/* What a walk saw: its entries, joined by blanks. */
struct seen {
    struct walk walk;
    struct buf text;
    int64_t stop_after, last_at_ms; /* 0: never */
    int done, code;
};

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct seen *seen = arg;
    if (seen->text.len > 0)
        buf_addc(&seen->text, ' ');
    buf_add(&seen->text, raw.at, raw.len);
    seen->last_at_ms = at_ms;
    return seen->stop_after > 0 && --seen->stop_after == 0;
}

static void on_walked(struct walk *walk, const struct err *err)
{
    struct seen *seen = walk->arg;
    seen->done++;
    seen->code = err != NULL ? err->code : LEAT_OK;
}

static void walk_all(struct seen *seen, enum walk_source source, int64_t max)
{
    seen->walk.link = rig.client.link;
    seen->walk.queue = &rig.queue;
    seen->walk.source = source;
    seen->walk.max = max;
    seen->walk.entry = on_entry;
    seen->walk.done = on_walked;
    seen->walk.arg = seen;
    ck_assert_int_eq(walk_start(&seen->walk), LEAT_OK);
    ck_assert_int_eq(seen->done, 0);
    ck_assert_int_eq(client_wait(&rig.client, &seen->done, NULL), LEAT_OK);
    ck_assert_int_eq(seen->done, 1);
}

static void forget(struct seen *seen)
{
    walk_fini(&seen->walk);
    buf_fini(&seen->text);
    *seen = (struct seen){0};
}

static void bury(int64_t died_ms, const char *entry)
{
    ASK(&rig, "ZADD", rig.queue.dead, rig_format(&rig, "%lld", (long long)died_ms),
        entry);
}

START_TEST(each_state_is_walked_in_its_order)
{
    struct seen seen = {0};
    rig_start(&rig);
    for (int i = 1; i <= 3; i++) {
        bury(100L * i, rig_format(&rig, "d%d", i));
        ASK(&rig, "ZADD", rig.queue.sched, rig_format(&rig, "%d", 100 * i),
            rig_format(&rig, "s%d", i));
    }
    ASK(&rig, "LPUSH", rig.queue.bad, "b1", "b2");
    ASK(&rig, "LPUSH", rig.queue.fail, "f1", "f2");
    ASK(&rig, "LPUSH", rig.queue.list, "q1", "q2");
    ASK(&rig, "LPUSH", rig.queue.high, "h1", "h2");
    ASK(&rig, "LPUSH", rig.queue.staging, "t1");
    ASK(&rig, "LPUSH", rig.queue.suspects, "x1");
    static const struct {
        enum walk_source source;
        const char *want;
        int64_t last_at_ms;
    } rows[] = {{WALK_DEAD, "d3 d2 d1", 100},
                {WALK_BAD, "b2 b1", 0},
                {WALK_FAILED, "f2 f1", 0},
                {WALK_SCHEDULED, "s1 s2 s3", 300},
                {WALK_READY, "t1 h1 h2 q1 q2 x1", 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        walk_all(&seen, rows[i].source, 1000);
        ck_assert_str_eq(buf_text(&seen.text), rows[i].want);
        ck_assert_int_eq(seen.last_at_ms, rows[i].last_at_ms);
        ck_assert_int_eq(seen.walk.searched, seen.walk.of);
        ck_assert(seen.walk.is_complete);
        ck_assert_int_gt(seen.walk.now_ms, 1600000000000);
        forget(&seen);
    }
    seen.walk.from_other_end = 1;
    walk_all(&seen, WALK_DEAD, 2);
    ck_assert_str_eq(buf_text(&seen.text), "d1 d2");
    ck_assert(!seen.walk.is_complete);
    forget(&seen);
    seen.walk.from_other_end = 1;
    walk_all(&seen, WALK_BAD, 1);
    ck_assert_str_eq(buf_text(&seen.text), "b1");
    forget(&seen);
    rig_stop(&rig);
}
END_TEST

START_TEST(many_are_walked_page_by_page_and_once_each)
{
    static const enum walk_source sources[] = {WALK_READY, WALK_DEAD};
    struct seen seen = {0};
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1000, 250);
    rig_push_n(&rig, rig.queue.high, 2000, 100); /* exactly a page */
    for (int i = 0; i < 350; i++)
        bury(1000 + i / 120, rig_format(&rig, "%d", 3000 + i));
    for (size_t i = 0; i < COUNT(sources); i++) {
        walk_all(&seen, sources[i], 100000);
        ck_assert_int_eq(seen.walk.searched, 350);
        ck_assert_uint_eq(seen.text.len, 350 * 5 - 1);
        for (int k = 0; k < 350; k++) {
            char digits[8];
            snprintf(digits, sizeof digits, "%d",
                     i == 1    ? 3000 + k
                     : k < 250 ? 1000 + k
                               : 1750 + k);
            ck_assert_msg(strstr(buf_text(&seen.text), digits) != NULL, "%s", digits);
        }
        ck_assert(seen.walk.is_complete);
        forget(&seen);
    }
    rig_stop(&rig);
}
END_TEST

START_TEST(a_walk_ends_at_its_bound_or_when_told)
{
    struct seen seen = {0};
    rig_start(&rig);
    rig_push_n(&rig, rig.queue.list, 1, 250);
    walk_all(&seen, WALK_READY, 120);
    ck_assert_int_eq(seen.walk.searched, 120);
    ck_assert_int_eq(seen.walk.of, 250);
    ck_assert(!seen.walk.is_complete);
    forget(&seen);
    seen.stop_after = 3;
    walk_all(&seen, WALK_READY, 1000);
    ck_assert_str_eq(buf_text(&seen.text), "1 2 3");
    ck_assert(!seen.walk.is_complete);
    forget(&seen);
    walk_all(&seen, WALK_READY, 250);
    ck_assert(seen.walk.is_complete);
    forget(&seen);
    walk_all(&seen, WALK_BAD, 10);
    ck_assert_int_eq(seen.walk.of, 0);
    ck_assert(seen.walk.is_complete);
    forget(&seen);
    rig_stop(&rig);
}
END_TEST

/* What is too long for a job ends in the quarantine, however long it is. */
START_TEST(long_entries_come_a_few_at_a_time)
{
    struct seen seen = {0};
    rig_start(&rig);
    for (int i = 0; i < 30; i++) {
        ASK(&rig, "SETRANGE", "long", "1048575", rig_format(&rig, "%d", i % 10));
        ASK(&rig, "EVAL",
            "return redis.call('LPUSH', KEYS[1], redis.call('GET', KEYS[2]))", "2",
            rig.queue.bad, "long");
    }
    ASK(&rig, "CONFIG", "RESETSTAT");
    walk_all(&seen, WALK_BAD, 1000);
    ck_assert_int_eq(seen.walk.searched, 30);
    const char *stats = rig_text(&rig, reply_bytes(ASK(&rig, "INFO", "commandstats")));
    const char *calls = strstr(stats, "cmdstat_lrange:calls=");
    ck_assert_ptr_nonnull(calls);
    ck_assert_int_ge(atoi(calls + strlen("cmdstat_lrange:calls=")), 1 + 22 / 4);
    forget(&seen);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_ends_the_walk_with_an_error)
{
    struct seen seen = {0};
    rig_start(&rig);
    ASK(&rig, "SET", rig.queue.high, "foreign");
    walk_all(&seen, WALK_READY, 10);
    ck_assert_int_eq(seen.code, LEAT_EFOREIGN);
    forget(&seen);
    rig_stop(&rig);
}
END_TEST

/* ---- finding ----------------------------------------------------------------------- */

static void on_found(struct resting_find *find, const struct err *err)
{
    struct seen *seen = find->arg;
    seen->done++;
    seen->code = err != NULL ? err->code : LEAT_OK;
}

static int find(struct resting *found, int64_t max, const char *const *words,
                size_t count)
{
    struct seen seen = {0};
    struct resting_find find = {.queue = &rig.queue,
                                .words = words,
                                .count = count,
                                .max = max,
                                .found = found,
                                .arena = &rig.arena,
                                .done = on_found,
                                .arg = &seen};
    ck_assert_int_eq(resting_find_start(&find, rig.client.link), LEAT_OK);
    ck_assert_int_eq(client_wait(&rig.client, &seen.done, NULL), LEAT_OK);
    ck_assert_int_eq(seen.done, 1);
    resting_find_fini(&find);
    return seen.code;
}

static const char *handle_of(enum resting_kind kind, const char *raw, int64_t died_ms)
{
    const struct resting resting = {kind, bytes_of(raw), died_ms};
    struct buf out = {0};
    resting_handle(&out, &resting);
    const char *text = rig_text(&rig, buf_bytes(&out));
    buf_fini(&out);
    return text;
}

START_TEST(entries_are_found_by_handle_and_by_iid)
{
    struct resting found[4];
    rig_start(&rig);
    for (int i = 0; i < 300; i++)
        bury(5000, rig_format(&rig, "R1 same.%d 0 1\nx", i));
    bury(6000, "R1 other 0 1\nx");
    bury(7000, "no header");
    ASK(&rig, "LPUSH", rig.queue.bad, "bad one", "bad two");
    const char *const words[] = {"dead:5000:same.299",
                                 handle_of(RESTING_BAD, "bad one", 0), "other",
                                 handle_of(RESTING_DEAD, "no header", 7000)};
    ck_assert_int_eq(find(found, 1000, words, 4), LEAT_OK);
    ck_assert(bytes_is(found[0].raw, "R1 same.299 0 1\nx"));
    ck_assert_int_eq(found[0].died_ms, 5000);
    ck_assert(bytes_is(found[1].raw, "bad one"));
    ck_assert_int_eq((int)found[1].kind, (int)RESTING_BAD);
    ck_assert(bytes_is(found[2].raw, "R1 other 0 1\nx"));
    ck_assert(bytes_is(found[3].raw, "no header"));
    rig_stop(&rig);
}
END_TEST

START_TEST(what_is_not_there_is_not_found_and_spoils_nothing)
{
    static const char *const words[] = {
        "dead:6000:a", "a", "bad:0123456789abcdef", "dead:x:a", "dead:5000:b", ""};
    struct resting found[COUNT(words)];
    rig_start(&rig);
    bury(5000, "R1 a 0 1\nx");
    ck_assert_int_eq(find(found, 1000, words, COUNT(words)), LEAT_ENO);
    for (size_t i = 0; i < COUNT(words); i++)
        ck_assert_int_eq(found[i].raw.at != NULL, i == 1);
    rig_stop(&rig);
}
END_TEST

START_TEST(a_handle_with_its_time_is_found_beyond_the_bound)
{
    static const char *const words[] = {"dead:1000:0", "0"};
    struct resting found[1];
    rig_start(&rig);
    for (int i = 0; i < 20; i++)
        bury(1000 + i, rig_format(&rig, "R1 %d 0 1\nx", i));
    ck_assert_int_eq(find(found, 10, &words[0], 1), LEAT_OK);
    ck_assert_int_eq(find(found, 10, &words[1], 1), LEAT_ENO);
    rig_stop(&rig);
}
END_TEST

/* How many records are looked at for the tails of a job that died then, of that entry. */
static int64_t find_tails(struct tails_find *find, int64_t died_ms, const char *entry)
{
    struct walk walk = {.queue = &rig.queue,
                        .source = WALK_FAILED,
                        .max = FAILURES_KEPT,
                        .entry = tails_find_look,
                        .arg = find};
    *find = (struct tails_find){.job = {RESTING_DEAD, bytes_of(entry), died_ms},
                                .arena = &rig.arena,
                                .out = {"", 0},
                                .err = {"", 0}};
    ck_assert_int_eq(walk_through(&walk, &rig.client, NULL), LEAT_OK);
    walk_fini(&walk);
    return walk.searched;
}

START_TEST(the_tails_of_a_death_are_found_while_it_is_told_of)
{
    struct tails_find find;
    rig_start(&rig);
    ASK(&rig, "LPUSH", rig.queue.fail, "100 d 1 3 0\nR1 a 0 1\nxold", /* newest last */
        "200 d 1 1 2\nR1 a 0 2\nxoer", "200 r 1 3 0\nR1 b 0 1\nxrun", "no record",
        "200 d 9 0 3\nR1 c 0 1\nxcut", "300 d 1 3 0\nR1 a 0 1\nxnew");
    ck_assert_int_eq(find_tails(&find, 200, "R1 a 0 2\nx"), 5);
    ck_assert(bytes_is(find.out, "o") && bytes_is(find.err, "er"));
    find_tails(&find, 100, "R1 a 0 1\nx");
    ck_assert(bytes_is(find.out, "old"));
    find_tails(&find, 200, "R1 c 0 1\nxand more");
    ck_assert(bytes_is(find.err, "cut"));
    ck_assert_int_eq(find_tails(&find, 250, "R1 a 0 1\nx"), 2); /* the others are older */
    ck_assert_uint_eq(find.out.len, 0);
    find_tails(&find, 200, "R1 b 0 1\nx"); /* did not die then */
    ck_assert_uint_eq(find.out.len, 0);
    find_tails(&find, 300, "R1 a 0 1\n");
    ck_assert_uint_eq(find.out.len, 0);
    rig_stop(&rig);
}
END_TEST

SUITE("rest", each_state_is_walked_in_its_order,
      many_are_walked_page_by_page_and_once_each, a_walk_ends_at_its_bound_or_when_told,
      long_entries_come_a_few_at_a_time,
      a_key_of_the_wrong_type_ends_the_walk_with_an_error,
      entries_are_found_by_handle_and_by_iid,
      what_is_not_there_is_not_found_and_spoils_nothing,
      a_handle_with_its_time_is_found_beyond_the_bound,
      the_tails_of_a_death_are_found_while_it_is_told_of)
