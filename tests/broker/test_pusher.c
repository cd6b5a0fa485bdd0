/* SPDX-License-Identifier: MIT */
/* Each test pushes numbered jobs while something goes wrong, and then reads the queue:
 * the numbers must stand there once each and in order. */
#include "broker/pusher.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "broker/client.h"
#include "support/redis_fixture.h"
#include "unit/suite.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

enum { TURN_MS = 5, DEADLINE_MS = 50000, PAGE = 5000 };

struct rig {
    struct redis_fixture redis;
    struct queue queue;
    struct client client; /* the pusher's */
    struct client other;  /* the one who disturbs, and who looks */
    struct pusher *pusher;
    ev_timer turn;
    int64_t next, target, seen; /* numbers pushed, to push, read back */
};

static void on_turn(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

static void rig_connect(struct rig *rig, int64_t patience_ms)
{
    struct err err = {0};
    ck_assert_int_eq(queue_init(&rig->queue, "q", NULL), LEAT_OK);
    ck_assert_int_eq(client_open(&rig->client, rig->redis.url, 30000, &err), LEAT_OK);
    ck_assert_int_eq(client_open(&rig->other, rig->redis.url, 30000, &err), LEAT_OK);
    struct pusher_config config = {.loop = rig->client.loop,
                                   .link = rig->client.link,
                                   .queue = &rig->queue,
                                   .patience_ms = patience_ms};
    rig->pusher = pusher_new(&config);
    /* ev_run(…, EVRUN_ONCE) must come back even if nothing happens. */
    ev_timer_init(&rig->turn, on_turn, TURN_MS / 1000.0, TURN_MS / 1000.0);
    ev_timer_start(rig->client.loop, &rig->turn);
}

static void rig_fini(struct rig *rig)
{
    pusher_free(rig->pusher);
    ev_timer_stop(rig->client.loop, &rig->turn);
    client_close(&rig->client);
    client_close(&rig->other);
    redis_fixture_stop(&rig->redis);
}

/* Ask as the other client; the words end with NULL. */
#define ASK(rig, ...) (cmd_set(&(rig)->other.cmd, __VA_ARGS__, NULL), ask(rig))

static const struct redisReply *ask(struct rig *rig)
{
    struct err err = {0};
    const struct redisReply *reply = NULL;
    client_call(&rig->other, &reply, &err);
    ck_assert_msg(err.code == LEAT_OK, "%s", err.text);
    return reply;
}

/* Add what there is room for, and let the loop do one turn. */
static void push_some(struct rig *rig)
{
    static const struct pusher_due now = {PUSH_NOW, 0};
    char payload[24];
    while (rig->next < rig->target && pusher_has_room(rig->pusher)) {
        int len = snprintf(payload, sizeof payload, "%lld", (long long)rig->next++);
        pusher_add(rig->pusher, (struct bytes){payload, (size_t)len}, now);
    }
    pusher_flush(rig->pusher);
    ev_run(rig->client.loop, EVRUN_ONCE);
    ck_assert_msg(rig->client.fatal.code == LEAT_OK, "%s", rig->client.fatal.text);
}

static int all_pushed(const struct rig *rig)
{
    return rig->next == rig->target && pusher_is_idle(rig->pusher);
}

/* Push `count` more jobs, and call `disturb` each time that another `every` of them are
 * acknowledged, and sometimes between. */
static void push_all(struct rig *rig, int64_t count, int64_t every,
                     void (*disturb)(struct rig *))
{
    int64_t end_ms = clock_mono_ms() + DEADLINE_MS;
    rig->target += count;
    int64_t next = pusher_acknowledged(rig->pusher) + (int64_t)rnd_below((uint64_t)every);
    while (!all_pushed(rig) && pusher_error(rig->pusher) == NULL) {
        push_some(rig);
        ck_assert_msg(clock_mono_ms() < end_ms, "not done in time");
        if (disturb != NULL && pusher_acknowledged(rig->pusher) >= next) {
            disturb(rig);
            next += every / 2 + (int64_t)rnd_below((uint64_t)every);
        }
    }
}

/* The jobs of a reply are the next numbers. */
static void see(struct rig *rig, const struct redisReply *page)
{
    for (size_t i = 0; i < reply_count(page); i++)
        ck_assert_int_eq(reply_int(reply_at(page, i), -1), rig->seen++);
}

static int64_t take(struct rig *rig, int64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)count);
    const struct redisReply *page = ASK(rig, "RPOP", rig->queue.list, text);
    see(rig, page);
    return (int64_t)reply_count(page);
}

static void expect_each_once(struct rig *rig)
{
    const struct err *ended = pusher_error(rig->pusher);
    ck_assert_msg(ended == NULL, "%s", ended != NULL ? ended->text : "");
    while (take(rig, PAGE) > 0)
        ;
    ck_assert_int_eq(rig->seen, rig->target);
    ck_assert_int_eq(pusher_acknowledged(rig->pusher), rig->target);
}

static void kill_connection(struct rig *rig)
{
    ASK(rig, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
}

static void forget_scripts(struct rig *rig)
{
    ASK(rig, "SCRIPT", "FLUSH");
}

static void restart_redis(struct rig *rig)
{
    const struct redisReply *reply;
    redis_fixture_restart(&rig->redis);
    cmd_set(&rig->other.cmd, "PING", NULL);
    while (client_call(&rig->other, &reply, NULL) != LEAT_OK)
        ev_run(rig->other.loop, EVRUN_ONCE); /* until it has come back, too */
}

static void drain_a_little(struct rig *rig)
{
    take(rig, 200);
}

START_TEST(jobs_arrive_once_and_in_order_while_the_connection_is_killed)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    push_all(&rig, 200000, 8000, kill_connection);
    expect_each_once(&rig);
    rig_fini(&rig);
}
END_TEST

static struct {
    int64_t left;
} cut;

static void cut_after_n(struct rig *rig)
{
    if (cut.left-- == 0)
        link_drop(rig->client.link, "cut by the test");
}

START_TEST(a_link_cut_after_any_turn_changes_nothing)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    for (int64_t n = 0; n < 25; n++) {
        cut.left = n;
        push_all(&rig, 9000, 1, cut_after_n);
    }
    expect_each_once(&rig);
    rig_fini(&rig);
}
END_TEST

START_TEST(jobs_arrive_once_when_redis_forgets_its_scripts)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    push_all(&rig, 50000, 2000, forget_scripts);
    expect_each_once(&rig);
    rig_fini(&rig);
}
END_TEST

START_TEST(jobs_arrive_once_when_redis_is_killed_and_keeps_its_history)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, "--appendonly", "yes", "--appendfsync", "always",
                        NULL);
    rig_connect(&rig, 10000);
    push_all(&rig, 50000, 15000, restart_redis);
    expect_each_once(&rig);
    rig_fini(&rig);
}
END_TEST

START_TEST(a_redis_that_lost_its_history_ends_the_pusher)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    push_all(&rig, 5000, 1, NULL);
    ck_assert_int_eq(pusher_acknowledged(rig.pusher), 5000);
    restart_redis(&rig);
    push_all(&rig, 5000, 1, NULL);
    ck_assert_ptr_nonnull(pusher_error(rig.pusher));
    ck_assert_int_eq(pusher_error(rig.pusher)->code, LEAT_EGAP);
    ck_assert_int_eq(pusher_acknowledged(rig.pusher), 5000);
    ck_assert_int_eq(reply_int(ASK(&rig, "LLEN", rig.queue.list), -1), 0);
    rig_fini(&rig);
}
END_TEST

START_TEST(a_full_queue_is_waited_for)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    ASK(&rig, "HSET", rig.queue.meta, "maxlen", "1200");
    rig.target = 8000;
    int64_t end_ms = clock_mono_ms() + DEADLINE_MS;
    while (!all_pushed(&rig)) {
        push_some(&rig);
        drain_a_little(&rig);
        ck_assert_int_le(reply_int(ASK(&rig, "LLEN", rig.queue.list), -1), 1200);
        ck_assert_msg(clock_mono_ms() < end_ms, "not done in time");
    }
    expect_each_once(&rig);
    rig_fini(&rig);
}
END_TEST

START_TEST(a_queue_that_stays_full_ends_the_pusher_with_what_was_acknowledged)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 200);
    ASK(&rig, "HSET", rig.queue.meta, "maxlen", "1200");
    push_all(&rig, 8000, 1, NULL);
    ck_assert_ptr_nonnull(pusher_error(rig.pusher));
    ck_assert_int_eq(pusher_error(rig.pusher)->code, LEAT_EBUSY);
    ck_assert_int_eq(pusher_acknowledged(rig.pusher), 1000);
    ck_assert_int_eq(reply_int(ASK(&rig, "LLEN", rig.queue.list), -1), 1000);
    ck_assert(!pusher_has_room(rig.pusher));
    rig_fini(&rig);
}
END_TEST

START_TEST(a_redis_without_memory_refuses_and_recovers)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    ASK(&rig, "CONFIG", "SET", "maxmemory", "1");
    rig.target = 6000;
    int64_t refused_ms = clock_mono_ms() + 200;
    while (clock_mono_ms() < refused_ms)
        push_some(&rig);
    ck_assert_int_eq(pusher_acknowledged(rig.pusher), 0);
    ASK(&rig, "CONFIG", "SET", "maxmemory", "0");
    push_all(&rig, 0, 1, NULL);
    expect_each_once(&rig);
    ck_assert_int_eq(reply_int(ASK(&rig, "SISMEMBER", QUEUES_KEY, "q"), -1), 1);
    rig_fini(&rig);
}
END_TEST

START_TEST(equal_jobs_for_later_stay_apart)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    for (int i = 0; i < 700; i++) {
        while (!pusher_has_room(rig.pusher))
            push_some(&rig);
        pusher_add(rig.pusher, bytes_of("same"),
                   (struct pusher_due){i % 2 ? PUSH_IN : PUSH_AT, 3600000});
    }
    push_all(&rig, 0, 1, NULL);
    ck_assert_int_eq(reply_int(ASK(&rig, "ZCARD", rig.queue.sched), -1), 700);
    const struct redisReply *past =
        ASK(&rig, "ZCOUNT", rig.queue.sched, "3600000", "3600000");
    ck_assert_int_eq(reply_int(past, -1), 350);
    rig_fini(&rig);
}
END_TEST

/* The entries of the record of job `n`. */
static int64_t told_of(struct rig *rig, int n)
{
    char key[40];
    snprintf(key, sizeof key, "{leat:q}:t:id-%d", n);
    return reply_int(ASK(rig, "XLEN", key), -1);
}

START_TEST(tracked_jobs_have_a_record_each_whatever_else_is_in_their_batch)
{
    static const struct pusher_due due[] = {{PUSH_NOW, 0}, {PUSH_IN, 3600000}};
    struct rig rig = {0};
    char job[80];
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    for (int i = 0; i < 1200; i++) {
        while (!pusher_has_room(rig.pusher))
            push_some(&rig);
        snprintf(job, sizeof job, "{\"type\":\"t\",\"args\":1,%s\"id\":\"id-%d\"}",
                 i % 3 ? "\"track\" : true," : "\"track\":false,", i);
        pusher_add(rig.pusher, bytes_of(job), due[i / 600]);
    }
    push_all(&rig, 0, 1, NULL);
    for (int i = 0; i < 1200; i++)
        ck_assert_int_eq(told_of(&rig, i), i % 3 != 0);
    rig_fini(&rig);
}
END_TEST

START_TEST(a_foreign_key_ends_the_pusher)
{
    struct rig rig = {0};
    redis_fixture_start(&rig.redis, NULL);
    rig_connect(&rig, 10000);
    ASK(&rig, "SET", rig.queue.list, "mine");
    push_all(&rig, 100, 1, NULL);
    ck_assert_ptr_nonnull(pusher_error(rig.pusher));
    ck_assert_int_eq(pusher_error(rig.pusher)->code, LEAT_EFOREIGN);
    rig_fini(&rig);
}
END_TEST

SUITE("pusher", jobs_arrive_once_and_in_order_while_the_connection_is_killed,
      a_link_cut_after_any_turn_changes_nothing,
      jobs_arrive_once_when_redis_forgets_its_scripts,
      jobs_arrive_once_when_redis_is_killed_and_keeps_its_history,
      a_redis_that_lost_its_history_ends_the_pusher, a_full_queue_is_waited_for,
      a_queue_that_stays_full_ends_the_pusher_with_what_was_acknowledged,
      a_redis_without_memory_refuses_and_recovers, equal_jobs_for_later_stay_apart,
      tracked_jobs_have_a_record_each_whatever_else_is_in_their_batch,
      a_foreign_key_ends_the_pusher)
