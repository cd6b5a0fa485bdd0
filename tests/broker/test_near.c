/* SPDX-License-Identifier: MIT */
/* Counters kept near, with the loop in the test's hand: what another client's write, or
 * its end of a connection, must have done by the next near_find(), it has done without a
 * turn of it. */
#include "dashboard/near.h"
#include "probe.h"
#include "unit/suite.h"

#include <stdio.h>
#include <string.h>

static struct near *near;
static struct queue queue;
static const struct bytes song = {"song", 4};

static int is_found(const char *want)
{
    struct bytes text = {"", 0};
    if (near_find(near, &queue, song, &text) != 0)
        return 0;
    ck_assert_msg(bytes_is(text, want), "found %.*s, not %s", (int)text.len, text.at,
                  want);
    return 1;
}

/* Ask for the counter; what comes is kept under the mark that is returned. */
static uint64_t ask(void)
{
    int from = probe.count;
    uint64_t mark = near_mark(near, &queue);
    SEND(0, "HGET", queue.counters, "song");
    AWAIT(probe.count == from + 1);
    return mark;
}

static void keep(uint64_t mark)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld",
                       (long long)probe.answer[probe.count - 1].number);
    near_keep(near, mark, song, (struct bytes){text, (size_t)len});
}

static void read_song(void)
{
    probe.count = 0;
    keep(ask());
}

/* Read until it is found again, which takes the connections that it takes. */
static void come_back(const char *want)
{
    AWAIT((read_song(), is_found(want)));
}

static void write_song(const char *value)
{
    OTHER("HSET", queue.counters, "song", value);
}

static void start_as(const char *url)
{
    probe.config.serving = 1;
    probe_open(url);
    AWAIT(probe.ups == 1);
    near = near_new(probe.loop, probe.link, &probe.config.url);
}

static void start(void)
{
    redis_fixture_start(&probe.redis, NULL);
    queue_init(&queue, "q", NULL);
    probe.config.give_up_ms = -1;
    start_as(probe.redis.url);
    write_song("1");
    come_back("1");
}

static void stop(void)
{
    near_free(near);
    probe_stop();
}

START_TEST(what_was_read_is_found_until_anybody_writes)
{
    start();
    for (int i = 2; i < 100; i++) {
        char value[12];
        snprintf(value, sizeof value, "%d", i);
        write_song(value);
        ck_assert(!is_found(value));
        read_song();
        ck_assert(is_found(value));
    }
    stop();
}
END_TEST

START_TEST(each_way_to_change_or_remove_the_hash_is_told)
{
    start();
    static const char *const ways[][7] = {
        {"HINCRBY", "{leat:q}:counters", "song", "1"},
        {"HDEL", "{leat:q}:counters", "song"},
        {"EVAL", "redis.call('HSET', KEYS[1], 'song', 7)", "1", "{leat:q}:counters"},
        {"UNLINK", "{leat:q}:counters"},
        {"HSET", "{leat:q}:counters", "song", "8"},
        {"RENAME", "{leat:q}:counters", "other"},
        {"COPY", "other", "{leat:q}:counters"},
        {"DEL", "{leat:q}:counters"},
    };
    static const char *const after[] = {"2", "-1", "7", "-1", "8", "-1", "8", "-1"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        probe_ask(ways[i]);
        ck_assert_msg(!is_found("none"), "after %s", ways[i][0]);
        come_back(after[i]); /* -1 stands for a nil here */
    }
    stop();
}
END_TEST

START_TEST(a_flush_is_told_soon)
{
    start();
    for (int i = 0; i < 20; i++) {
        write_song("3");
        come_back("3");
        OTHER("FLUSHALL");
        AWAIT(!is_found("3"));
        read_song();
        ck_assert(is_found("-1"));
    }
    stop();
}
END_TEST

START_TEST(an_answer_that_a_change_overtook_is_not_kept)
{
    start();
    write_song("2");
    ck_assert(!is_found("2"));
    uint64_t mark = ask();
    write_song("3");
    ck_assert(!is_found("3")); /* this reads the message */
    keep(mark);
    ck_assert(!is_found("3"));
    stop();
}
END_TEST

START_TEST(an_answer_from_before_a_write_of_our_own_is_not_kept)
{
    start();
    uint64_t before = ask();
    near_change(near, &queue);
    ck_assert(!is_found("1"));
    keep(before);
    ck_assert(!is_found("1"));
    read_song();
    ck_assert(is_found("1"));
    stop();
}
END_TEST

static void kill_and_write(const char *type, const char *value)
{
    OTHER("CLIENT", "KILL", "TYPE", type);
    write_song(value);
}

START_TEST(nothing_is_found_once_the_ear_is_cut)
{
    start();
    for (int i = 0; i < 5; i++) {
        kill_and_write("pubsub", i % 2 ? "5" : "6");
        ck_assert(!is_found("none"));
        come_back(i % 2 ? "5" : "6");
    }
    stop();
}
END_TEST

START_TEST(nothing_is_found_once_the_reader_is_cut)
{
    start();
    for (int i = 0; i < 5; i++) {
        int ups = probe.ups;
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)link_client_id(probe.link));
        OTHER("CLIENT", "KILL", "ID", id);
        write_song(i % 2 ? "5" : "6");
        ck_assert(!is_found("none"));
        AWAIT(probe.ups == ups + 1);
        near_lose(near); /* as the owner does when it is told */
        come_back(i % 2 ? "5" : "6");
    }
    stop();
}
END_TEST

START_TEST(a_redis_that_comes_back_is_asked_anew)
{
    start();
    for (int i = 0; i < 3; i++) {
        redis_fixture_restart(&probe.redis);
        ck_assert(!is_found("none"));
        near_lose(near);
        write_song("9");
        AWAIT(probe.ups == i + 2);
        come_back("9");
        write_song("10");
        ck_assert(!is_found("10"));
    }
    stop();
}
END_TEST

START_TEST(nothing_is_found_that_is_older_than_a_second)
{
    start();
    read_song();
    int64_t from_ms = clock_mono_ms();
    AWAIT(!is_found("1"));
    ck_assert_int_ge(clock_mono_ms() - from_ms, 1000);
    stop();
}
END_TEST

static void keep_many(int count, struct bytes name)
{
    char number[12];
    struct buf text = {0};
    uint64_t mark = near_mark(near, &queue);
    for (int i = 0; i < count; i++) {
        buf_reset(&text);
        buf_add(&text, number, (size_t)snprintf(number, sizeof number, "%d:", i));
        buf_add(&text, name.at, name.len);
        near_keep(near, mark, buf_bytes(&text), bytes_of("1"));
    }
    buf_fini(&text);
}

START_TEST(what_is_kept_is_bounded_by_number_and_by_bytes)
{
    char long_name[1000];
    memset(long_name, 'x', sizeof long_name);
    start();
    keep_many(9998, bytes_of(""));
    come_back("1");
    keep_many(10000, bytes_of(""));
    ck_assert(!is_found("1"));
    come_back("1");
    keep_many(900, (struct bytes){long_name, sizeof long_name});
    ck_assert(is_found("1"));
    keep_many(1100, (struct bytes){long_name, sizeof long_name});
    ck_assert(!is_found("1"));
    come_back("1");
    near_keep(near, near_mark(near, &queue), song, bytes_of("-9223372036854775808"));
    ck_assert(is_found("-9223372036854775808"));
    near_keep(near, near_mark(near, &queue), song, bytes_of("000000000000000000001"));
    ck_assert(is_found("-9223372036854775808"));
    stop();
}
END_TEST

START_TEST(many_queues_take_turns)
{
    start();
    for (int i = 0; i < 40; i++) {
        char name[12];
        snprintf(name, sizeof name, "q%d", i);
        queue_init(&queue, name, NULL);
        write_song("1");
        come_back("1");
        write_song("2");
        ck_assert(!is_found("2"));
    }
    ck_assert_int_eq(probe.downs, 0);
    stop();
}
END_TEST

/* How many connections Redis tells of changes. */
static int tracking_count(void)
{
    const char *at = strstr(OTHER("INFO", "clients"), "tracking_clients:");
    ck_assert_ptr_nonnull(at);
    return at[strlen("tracking_clients:")] - '0';
}

START_TEST(redis_is_told_to_be_quiet_when_nobody_reads)
{
    start();
    ck_assert_int_eq(tracking_count(), 1);
    AWAIT((OTHER("HINCRBY", queue.counters, "other", "1"), tracking_count() == 0));
    write_song("5");
    come_back("5");
    ck_assert_int_eq(tracking_count(), 1);
    write_song("6");
    ck_assert(!is_found("6"));
    stop();
}
END_TEST

/* A user that may all but what the rule takes away. */
static void start_with(const char *rule)
{
    struct err err = {0};
    char url[200];
    redis_fixture_start(&probe.redis, NULL);
    queue_init(&queue, "q", NULL);
    probe.config.give_up_ms = -1;
    OTHER("ACL", "SETUSER", "less", "on", ">password", "~*", "&*", "+@all", rule);
    snprintf(url, sizeof url, "unix://less:password@%s", probe.redis.socket);
    ck_assert_msg(redis_url_parse(&probe.config.url, url, &err) == LEAT_OK, "%s",
                  err.text);
    start_as(url);
}

static void nothing_is_kept_with(const char *rule)
{
    start_with(rule);
    write_song("1");
    int64_t from_ms = clock_mono_ms();
    while (clock_mono_ms() - from_ms < 300) {
        read_song();
        ck_assert_int_eq(probe.answer[0].number, 1);
        ck_assert_msg(!is_found("1"), "%s", rule);
    }
    stop();
}

START_TEST(a_redis_that_refuses_any_part_is_read_as_ever)
{
    nothing_is_kept_with("-client|tracking");
    nothing_is_kept_with("-subscribe");
    nothing_is_kept_with("resetchannels");
    nothing_is_kept_with("-client|id");
    start_with("+@all");
    write_song("1");
    come_back("1");
    stop();
}
END_TEST

SUITE("near", what_was_read_is_found_until_anybody_writes,
      each_way_to_change_or_remove_the_hash_is_told, a_flush_is_told_soon,
      an_answer_that_a_change_overtook_is_not_kept,
      an_answer_from_before_a_write_of_our_own_is_not_kept,
      nothing_is_found_once_the_ear_is_cut, nothing_is_found_once_the_reader_is_cut,
      a_redis_that_comes_back_is_asked_anew, nothing_is_found_that_is_older_than_a_second,
      what_is_kept_is_bounded_by_number_and_by_bytes, many_queues_take_turns,
      redis_is_told_to_be_quiet_when_nobody_reads,
      a_redis_that_refuses_any_part_is_read_as_ever)
