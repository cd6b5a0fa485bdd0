/* SPDX-License-Identifier: MIT */
/* Cancelling: how a cancel is kept; and a job that waits for its time: it ends at once,
 * or as one that waits in the queue when it falls due in that very moment. */
#include "base/clock.h"
#include "broker/cancel.h"
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

#define PAYLOAD "{\"type\":\"t\",\"id\":\"x\",\"args\":{}}"
#define WAITS   "R1 a 0 0\n" PAYLOAD
#define FAILED  "R1 b 0 2 e=no\n" PAYLOAD
#define FETCHES "R1 c 0 1 k=c:1\n" PAYLOAD
#define TRACKED "R1 d 0 0\n{\"type\":\"t\",\"id\":\"x\",\"track\":true,\"args\":{}}"

enum { DAY_MS = 86400000 };
static const int64_t far_ms = INT64_C(9000000000000);

static struct rig rig; /* the test's own eyes and hands */

static void start(void)
{
    rig_start(&rig);
}

static void stop(void)
{
    rig_stop(&rig);
}

static void schedule(const char *entry)
{
    ASK(&rig, "ZADD", rig.queue.sched, rig_format(&rig, "%lld", (long long)far_ms),
        entry);
    rig.pushed++;
}

static void expect_books(int cancelled)
{
    ck_assert_int_eq(rig_meta(&rig, "cancelled"), cancelled);
    rig_expect_books(&rig);
}

/* ---- a cancel ---------------------------------------------------------------------- */

static const struct redisReply *mark(const char *id, int64_t keep_ms)
{
    script_cancel(&rig.client.cmd, &rig.queue, bytes_of(id), keep_ms, "n1");
    return rig_call(&rig);
}

START_TEST(a_cancel_is_kept_and_told_to_workers)
{
    int64_t before_ms = rig_now_ms(&rig);
    ck_assert_int_eq(reply_int(mark("one", 60000), -9), 1);
    const char *until = rig_field(&rig, rig.queue.cancel, "one");
    int64_t until_ms = strtoll(until, NULL, 10);
    ck_assert_int_ge(until_ms, before_ms + 60000);
    ck_assert_int_le(until_ms, rig_now_ms(&rig) + 60000);
    const struct redisReply *all = ASK(&rig, "XRANGE", rig.queue.ctl, "-", "+");
    const struct redisReply *words = reply_at(reply_at(all, 0), 1);
    const char *const want[] = {"cancel", "one", "re", "n1", "until", until};
    ck_assert_uint_eq(reply_count(words), COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++)
        ck_assert(bytes_is(reply_bytes(reply_at(words, i)), want[i]));
    ck_assert_int_eq(reply_int(mark("two", 5000), -9), 1);
    ck_assert_int_gt(ASK_INT(&rig, "PTTL", rig.queue.cancel), 50000);
    ck_assert_str_eq(queue_answer_key(&rig.queue, "n1", &rig.arena), "{leat:q}:re:n1");
}
END_TEST

START_TEST(cancels_out_of_date_make_room_and_others_do_not)
{
    ASK(&rig, "HSET", rig.queue.cancel, "old", "1000", "no number", "soon");
    ck_assert_int_eq(reply_int(mark("one", 60000), -9), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.cancel), 1);
    ASK(&rig, "EVAL",
        "for i = 2, 10000 do redis.call('HSET', KEYS[1], i, '99999999999999') end", "1",
        rig.queue.cancel);
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, mark("one more", 60000), LEAT_EBUSY, "FULL 10000 10000");
    ck_assert_str_eq(rig_digest(&rig), before);
    ck_assert_int_eq(reply_int(mark("one", 90000), -9), 1);
    ASK(&rig, "HSET", rig.queue.cancel, "5000", "1000");
    ck_assert_int_eq(reply_int(mark("one more", 60000), -9), 1);
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.cancel), LIMIT_CANCELS);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_takes_no_cancel)
{
    ASK(&rig, "SET", rig.queue.ctl, "somebody's");
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, mark("one", 60000), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
}
END_TEST

/* ---- the job's end ----------------------------------------------------------------- */

static const char *record_key(void)
{
    return rig_text(&rig, queue_record_key(&rig.queue, bytes_of("x"), &rig.arena));
}

static const struct redisReply *call(const char *entry, const char *record)
{
    script_unschedule(&rig.client.cmd, &rig.queue, bytes_of("x"), bytes_of(entry),
                      bytes_of(record), 5000);
    return rig_call(&rig);
}

static int64_t unschedule(const char *entry, const char *record)
{
    const struct redisReply *reply = call(entry, record);
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply_int(reply, -9);
}

static void keep_cancel(void)
{
    ASK(&rig, "HSET", rig.queue.cancel, "x", "9999999999999", "other", "1");
}

START_TEST(a_scheduled_job_ends_once_and_takes_its_cancel_with_it)
{
    schedule(WAITS);
    schedule(FAILED);
    keep_cancel();
    ck_assert_int_eq(unschedule(WAITS, ""), 1);
    EXPECT_ZSET(&rig, rig.queue.sched, FAILED);
    ck_assert_str_eq(rig_field(&rig, rig.queue.cancel, "x"), "-");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.cancel), 1);
    ck_assert_int_eq(ASK_INT(&rig, "XLEN", rig.queue.ctl), 1);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(unschedule(WAITS, ""), 0);
    ck_assert_int_eq(unschedule(FAILED, ""), 0); /* the cancel is used up */
    ck_assert_str_eq(rig_digest(&rig), before);
    expect_books(1);
}
END_TEST

START_TEST(a_job_that_fell_due_leaves_its_cancel_where_it_is)
{
    keep_cancel();
    rig_push(&rig, rig.queue.list, WAITS);
    const char *before = rig_digest(&rig);
    ck_assert_int_eq(unschedule(WAITS, record_key()), 0);
    ck_assert_str_eq(rig_digest(&rig), before);
}
END_TEST

START_TEST(one_that_failed_before_is_no_longer_retrying)
{
    schedule(FAILED);
    schedule(WAITS);
    ASK(&rig, "HSET", rig.queue.meta, "retrying", "1");
    keep_cancel();
    ck_assert_int_eq(unschedule(FAILED, ""), 1);
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 0);
    keep_cancel();
    ck_assert_int_eq(unschedule(WAITS, ""), 1);
    ck_assert_int_eq(rig_meta(&rig, "retrying"), 0);
    expect_books(2);
}
END_TEST

START_TEST(the_flight_of_one_that_ends_goes_to_who_waits_for_it)
{
    schedule(FETCHES);
    ASK(&rig, "HSET", rig.queue.meta, "retrying", "1");
    ASK(&rig, "HSET", rig.queue.slot, "c:1", "c - 9999999999999");
    ASK(&rig, "HSET", rig.queue.again, "c:1", "R1 n 0 0 k=c:1\nnext");
    rig.pushed++;
    keep_cancel();
    ck_assert_int_eq(unschedule(FETCHES, ""), 1);
    EXPECT_LIST(&rig, rig.queue.list, "R1 n 0 0 k=c:1\nnext");
    ck_assert_int_eq(ASK_INT(&rig, "HLEN", rig.queue.again), 0);
    ck_assert_int_eq(strncmp(rig_field(&rig, rig.queue.slot, "c:1"), "n - ", 4), 0);
    expect_books(1);
}
END_TEST

START_TEST(the_record_of_a_tracked_one_tells_its_end)
{
    schedule(TRACKED);
    keep_cancel();
    ck_assert_int_eq(unschedule(TRACKED, record_key()), 1);
    const struct redisReply *all = ASK(&rig, "XRANGE", record_key(), "-", "+");
    ck_assert_uint_eq(reply_count(all), 1);
    const struct redisReply *fields = reply_at(reply_at(all, 0), 1);
    ck_assert(bytes_is(reply_bytes(reply_field(fields, "state")), "cancelled"));
    int64_t left_ms = ASK_INT(&rig, "PTTL", record_key());
    ck_assert(left_ms > 0 && left_ms <= 5000);
    expect_books(1);
}
END_TEST

START_TEST(a_key_of_the_wrong_type_ends_nothing)
{
    schedule(WAITS);
    keep_cancel();
    ASK(&rig, "SET", rig.queue.ctl, "somebody's");
    const char *before = rig_digest(&rig);
    rig_expect_refused(&rig, call(WAITS, ""), LEAT_EFOREIGN, "WRONGTYPE");
    ck_assert_str_eq(rig_digest(&rig), before);
}
END_TEST

/* ---- the whole way ----------------------------------------------------------------- */

/* Somebody cancels `x`, while something happens between what he sees and what he does. */
static struct scene {
    void (*meanwhile)(void); /* the entry was seen in :sched; may be NULL */
    walk_entry_fn seen;
    struct client client;
    struct cancel cancel;
    struct err err;
    int done;
} scene;

static int on_seen(void *arg, struct bytes raw, int64_t at_ms)
{
    if (scene.meanwhile != NULL && at_ms != 0)
        scene.meanwhile();
    return scene.seen(arg, raw, at_ms);
}

static void on_done(struct cancel *cancel, const struct err *err)
{
    (void)cancel;
    ck_assert_msg(err == NULL, "%s", err != NULL ? err->text : "");
    scene.done = 1;
}

static enum cancel_fate cancel(void)
{
    struct client *client = &scene.client;
    ck_assert_int_eq(client_open(client, rig.redis.url, 30000, &scene.err), LEAT_OK);
    struct stream_watch *watch =
        stream_watch_new(client->loop, &client->url, client->link);
    scene.cancel = (struct cancel){.loop = client->loop,
                                   .link = client->link,
                                   .watch = watch,
                                   .queue = &rig.queue,
                                   .id = "x",
                                   .done = on_done};
    ck_assert_int_eq(cancel_start(&scene.cancel, &scene.err), LEAT_OK);
    scene.seen = scene.cancel.walk.entry;
    scene.cancel.walk.entry = on_seen;
    ck_assert_int_eq(client_wait(client, &scene.done, &scene.err), LEAT_OK);
    enum cancel_fate fate = scene.cancel.fate;
    cancel_fini(&scene.cancel);
    stream_watch_free(watch);
    client_close(client);
    return fate;
}

static void promote(void)
{
    ASK(&rig, "ZADD", rig.queue.sched, "XX", "1", WAITS);
    script_promote(&rig.client.cmd, &rig.queue, 1);
    rig_ask(&rig);
}

START_TEST(of_several_jobs_of_the_id_that_are_scheduled_one_ends)
{
    schedule(WAITS);
    schedule(FAILED);
    ck_assert_int_eq(cancel(), CANCEL_UNSCHEDULED);
    EXPECT_ZSET(&rig, rig.queue.sched, FAILED);
    ck_assert_int_eq(ASK_INT(&rig, "EXISTS", rig.queue.cancel), 0);
    expect_books(1);
}
END_TEST

START_TEST(one_that_falls_due_meanwhile_is_one_that_waits_in_the_queue)
{
    schedule(WAITS);
    scene.meanwhile = promote;
    ck_assert_int_eq(cancel(), CANCEL_WAITING);
    ck_assert_str_eq(scene.cancel.where, "queue");
    EXPECT_LIST(&rig, rig.queue.list, WAITS);
    ck_assert_int_eq(ASK_INT(&rig, "HEXISTS", rig.queue.cancel, "x"), 1);
    expect_books(0);
}
END_TEST

START_TEST(a_cancel_is_kept_until_a_day_after_the_job_is_due)
{
    int64_t due_ms = clock_wall_ms() + 40 * (int64_t)DAY_MS;
    ASK(&rig, "XADD", record_key(), "*", "state", "scheduled", "due",
        rig_format(&rig, "%lld", (long long)due_ms));
    ck_assert_int_eq(cancel(), CANCEL_UNSEEN);
    int64_t until_ms = strtoll(rig_field(&rig, rig.queue.cancel, "x"), NULL, 10);
    ck_assert_int_ge(until_ms, due_ms + DAY_MS - 60000);
    ck_assert_int_le(until_ms, due_ms + DAY_MS + 60000);
    ck_assert_int_gt(ASK_INT(&rig, "PTTL", rig.queue.cancel), 40 * (int64_t)DAY_MS);
}
END_TEST

SUITE_WITH("unschedule", start, stop, a_cancel_is_kept_and_told_to_workers,
           cancels_out_of_date_make_room_and_others_do_not,
           a_key_of_the_wrong_type_takes_no_cancel,
           a_scheduled_job_ends_once_and_takes_its_cancel_with_it,
           a_job_that_fell_due_leaves_its_cancel_where_it_is,
           one_that_failed_before_is_no_longer_retrying,
           the_flight_of_one_that_ends_goes_to_who_waits_for_it,
           the_record_of_a_tracked_one_tells_its_end,
           a_key_of_the_wrong_type_ends_nothing,
           of_several_jobs_of_the_id_that_are_scheduled_one_ends,
           one_that_falls_due_meanwhile_is_one_that_waits_in_the_queue,
           a_cancel_is_kept_until_a_day_after_the_job_is_due)
