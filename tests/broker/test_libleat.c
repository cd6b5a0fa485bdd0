/* SPDX-License-Identifier: MIT */
/* The C library as its callers see it: what is pushed, what is refused, and what is
 * said. */
#include "libleat_rig.h"
#include "base/clock.h"
#include "unit/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB(...) (&(struct leat_job){.size = sizeof(struct leat_job), __VA_ARGS__})

static void expect_text(const struct redisReply *reply, const char *want)
{
    struct bytes got = reply_bytes(reply);
    ck_assert_msg(bytes_is(got, want), "%.*s", (int)got.len, got.at);
}

START_TEST(a_job_is_pushed_as_it_was_given)
{
    struct leat_ticket ticket;
    RIG_START(NULL);
    OK(leat_push(rig.leat,
                 JOB(.queue = "q", .type = "mail", .id = "a:1", .args = " [1, \"x\"] ",
                     .retries = 3, .timeout_ms = 1500),
                 &ticket, RIG_MS));
    ck_assert_str_eq(ticket.id, "a:1");
    ck_assert_int_eq(leat_state(rig.leat, ticket.number), LEAT_STATE_ACKNOWLEDGED);
    expect_text(ASK("RPOP", "leat:q"),
                "{\"type\":\"mail\",\"id\":\"a:1\",\"args\":[1, \"x\"],"
                "\"retry\":{\"max\":3},\"timeout_ms\":1500}");
    ck_assert_int_eq(reply_int(ASK("SISMEMBER", QUEUES_KEY, "q"), -1), 1);
    OK(leat_push(rig.leat, JOB(.type = "mail", .id = "b", .retries = LEAT_NO_RETRIES),
                 NULL, RIG_MS));
    expect_text(ASK("RPOP", "leat:default"),
                "{\"type\":\"mail\",\"id\":\"b\",\"args\":{},\"retry\":{\"max\":0}}");
    OK(leat_push(rig.leat,
                 JOB(.type = "mail", .id = "c", .track = 1,
                     .then = " {\"type\":\"t\",\"args\":\"$result\"} "),
                 NULL, RIG_MS));
    expect_text(ASK("RPOP", "leat:default"),
                "{\"type\":\"mail\",\"id\":\"c\",\"args\":{},\"track\":true,"
                "\"v\":2,\"then\":{\"type\":\"t\",\"args\":\"$result\"}}");
    rig_stop();
}
END_TEST

START_TEST(a_job_without_an_id_gets_one_that_sorts_by_time)
{
    struct leat_ticket first, second;
    RIG_START(NULL);
    OK(leat_push(rig.leat, JOB(.type = "t"), &first, RIG_MS));
    OK(leat_push(rig.leat, JOB(.type = "t"), &second, RIG_MS));
    ck_assert_uint_eq(strlen(first.id), 36);
    ck_assert_int_lt(strcmp(first.id, second.id), 0);
    rig_stop();
}
END_TEST

START_TEST(jobs_for_later_are_scheduled)
{
    char at[24];
    int64_t at_ms = clock_wall_ms() + 86400000;
    snprintf(at, sizeof at, "%lld", (long long)at_ms);
    RIG_START(NULL);
    OK(leat_push(rig.leat, JOB(.queue = "q", .type = "t", .at_ms = at_ms), NULL, RIG_MS));
    OK(leat_push(rig.leat, JOB(.queue = "q", .type = "t", .in_ms = 3600000), NULL,
                 RIG_MS));
    ck_assert_int_eq(reply_int(ASK("ZCARD", rig.queue.sched), -1), 2);
    ck_assert_int_eq(reply_int(ASK("ZCOUNT", rig.queue.sched, at, at), -1), 1);
    rig_stop();
}
END_TEST

START_TEST(an_envelope_is_pushed_byte_for_byte)
{
    static const char envelope[] =
        " {\"args\" : {\"counter\":\"c\"}, \"type\":\"increment\","
        "\"mine\":[ ]}";
    struct leat_ticket ticket;
    RIG_START(NULL);
    OK(leat_push_envelope(rig.leat, "q", envelope, strlen(envelope), &ticket, RIG_MS));
    ck_assert_str_eq(ticket.id, "");
    ck_assert_int_ne(ticket.number, 0);
    expect_text(ASK("RPOP", "leat:q"), envelope);
    OK(leat_add_envelope(rig.leat, NULL, envelope, strlen(envelope), NULL, RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    expect_text(ASK("RPOP", "leat:default"), envelope);
    rig_stop();
}
END_TEST

static const struct {
    const char *envelope, *part;
} bad_envelopes[] = {
    {"", "not"},
    {"{\"type\":\"t\"}", "'args'"},
    {"{\"args\":{}}", "'type'"},
    {"{\"type\":\"t t\",\"args\":{}}", "'type'"},
    {"{\"type\":\"t\",\"args\":{},\"timeout_ms\":0}", "'timeout_ms'"},
    {"{\"type\":\"t\",\"args\":{},\"retry\":{\"max\":-1}}", "'max'"},
    {"{\"type\":\"increment\",\"args\":{\"counter\":\"\"}}", "'counter'"},
    {"{\"type\":\"refresh\",\"args\":{\"url\":\"ftp://example.org\"}}", "url"},
};

START_TEST(a_bad_envelope_is_refused_with_the_name_of_the_field)
{
    RIG_START(NULL);
    for (size_t i = 0; i < COUNT(bad_envelopes); i++) {
        const char *envelope = bad_envelopes[i].envelope;
        struct leat_ticket ticket = {.number = 1};
        EXPECT(LEAT_ERROR_DATA,
               leat_push_envelope(rig.leat, NULL, envelope, strlen(envelope), &ticket,
                                  RIG_MS),
               bad_envelopes[i].part);
        ck_assert_int_eq(ticket.number, 0);
    }
    static char long_one[70000];
    memset(long_one, ' ', sizeof long_one);
    EXPECT(LEAT_ERROR_DATA,
           leat_add_envelope(rig.leat, NULL, long_one, sizeof long_one, NULL, RIG_MS),
           "70000 bytes, the limit is 65536");
    ck_assert_int_eq(leat_taken(rig.leat), 0);
    ck_assert_int_eq(reply_int(ASK("DBSIZE"), -1), 0);
    rig_stop();
}
END_TEST

static char too_long[70000];

static const struct {
    struct leat_job job;
    int code;
    const char *part;
} bad_jobs[] = {
    {{.args = "{}"}, LEAT_ERROR_USAGE, "'type' is missing"},
    {{.type = "t", .queue = "a b"}, LEAT_ERROR_USAGE, "queue name 'a b'"},
    {{.type = "t", .in_ms = 1, .at_ms = 1}, LEAT_ERROR_USAGE, "'at_ms' exclude"},
    {{.type = ""}, LEAT_ERROR_DATA, "'type'"},
    {{.type = "a/b"}, LEAT_ERROR_DATA, "'type'"},
    {{.type = "\xff"}, LEAT_ERROR_DATA, "'type' is not UTF-8"},
    {{.type = too_long}, LEAT_ERROR_DATA, "'type' has more than 64 bytes"},
    {{.type = "t", .id = ""}, LEAT_ERROR_DATA, "'id'"},
    {{.type = "t", .id = too_long}, LEAT_ERROR_DATA, "'id' has more than 64"},
    {{.type = "t", .args = too_long}, LEAT_ERROR_DATA, "'args' has more than 65536"},
    {{.type = "t", .args = ""}, LEAT_ERROR_DATA, "'args'"},
    {{.type = "t", .args = "{"}, LEAT_ERROR_DATA, "'args'"},
    {{.type = "t", .args = "1,\"type\":\"u\""},
     LEAT_ERROR_DATA,
     "'args' is more than one"},
    {{.type = "t", .in_ms = -1}, LEAT_ERROR_DATA, "'in_ms' is -1"},
    {{.type = "t", .at_ms = INT64_MAX},
     LEAT_ERROR_DATA,
     "'at_ms' is 9223372036854775807"},
    {{.type = "t", .retries = 1001}, LEAT_ERROR_DATA, "'retries' is 1001"},
    {{.type = "t", .retries = -2}, LEAT_ERROR_DATA, "'retries' is -2"},
    {{.type = "t", .timeout_ms = 3600001}, LEAT_ERROR_DATA, "'timeout_ms' is 3600001"},
    {{.type = "t", .track = 2}, LEAT_ERROR_DATA, "'track' is 2"},
    {{.type = "t", .then = too_long}, LEAT_ERROR_DATA, "'then' has more than 65536"},
    {{.type = "t", .then = "{},\"x\":1"}, LEAT_ERROR_DATA, "'then' is more than one"},
    {{.type = "t", .then = "[]"}, LEAT_ERROR_DATA, "'then' must be an object"},
    {{.type = "t", .then = "{\"args\":1}"}, LEAT_ERROR_DATA, "'then': 'type' is missing"},
    {{.type = "increment", .args = "{}"}, LEAT_ERROR_DATA, "'counter'"},
};

START_TEST(a_bad_job_is_refused_and_costs_the_others_nothing)
{
    memset(too_long, 'x', sizeof too_long - 1);
    RIG_START(NULL);
    for (size_t i = 0; i < COUNT(bad_jobs); i++) {
        struct leat_job job = bad_jobs[i].job;
        struct leat_ticket ticket = {.number = 1};
        job.size = sizeof job;
        OK(rig_add(1, RIG_MS));
        EXPECT(bad_jobs[i].code, leat_push(rig.leat, &job, &ticket, RIG_MS),
               bad_jobs[i].part);
        ck_assert_int_eq(ticket.number, 0);
        ticket.number = 77;
        EXPECT(bad_jobs[i].code, leat_add(rig.leat, &job, &ticket, RIG_MS),
               bad_jobs[i].part);
        ck_assert_int_eq(ticket.number, 77);
    }
    OK(leat_flush(rig.leat, RIG_MS));
    rig_expect_each_once();
    rig_stop();
}
END_TEST

START_TEST(structs_tell_their_size)
{
    struct {
        struct leat_job job;
        int64_t later_field;
    } newer = {.job = {.size = sizeof newer, .type = "t"}};
    struct leat_job older = {.size = offsetof(struct leat_job, in_ms), .type = "t"};
    older.in_ms = -1; /* not part of it */
    RIG_START(NULL);
    OK(leat_push(rig.leat, &newer.job, NULL, RIG_MS));
    OK(leat_push(rig.leat, &older, NULL, RIG_MS));
    newer.later_field = 1;
    EXPECT(LEAT_ERROR_USAGE, leat_push(rig.leat, &newer.job, NULL, RIG_MS),
           "does not know");
    older.size = 0;
    EXPECT(LEAT_ERROR_USAGE, leat_push(rig.leat, &older, NULL, RIG_MS), "not set");
    rig_stop();
}
END_TEST

START_TEST(misuse_is_an_error_and_no_crash)
{
    struct leat_job job = {.size = sizeof job, .type = "t"};
    ck_assert_int_eq(leat_open(NULL, NULL, NULL), LEAT_ERROR_USAGE);
    ck_assert_int_eq(leat_push(NULL, &job, NULL, 0), LEAT_ERROR_USAGE);
    ck_assert_int_eq(leat_flush(NULL, 0), LEAT_ERROR_USAGE);
    ck_assert_int_eq(leat_state(NULL, 64), LEAT_STATE_NONE);
    ck_assert_ptr_nonnull(leat_error_text(NULL));
    leat_close(NULL);
    RIG_START(NULL);
    EXPECT(LEAT_ERROR_USAGE, leat_push(rig.leat, NULL, NULL, 0), "missing");
    EXPECT(LEAT_ERROR_USAGE, leat_push(rig.leat, &job, NULL, -1), "negative");
    EXPECT(LEAT_ERROR_USAGE, leat_add_envelope(rig.leat, NULL, NULL, 0, NULL, 0),
           "missing");
    for (int64_t number = -130; number < 1000; number += 13)
        ck_assert_int_eq(leat_state(rig.leat, number), LEAT_STATE_NONE);
    ck_assert_str_eq(leat_strerror(0), "done");
    ck_assert_str_eq(leat_strerror(LEAT_ERROR_BUSY), "not now, try later");
    ck_assert_str_eq(leat_strerror(-1000), "unknown error");
    rig_stop();
}
END_TEST

/* ---- opening ----------------------------------------------------------------------- */

static void expect_closed(const char *url, const struct leat_options *options, int code,
                          const char *part)
{
    EXPECT(code, leat_open(&rig.leat, url, options), part);
    ck_assert_ptr_null(strstr(leat_error_text(rig.leat), "sesame"));
    EXPECT(code, leat_push(rig.leat, JOB(.type = "t"), NULL, RIG_MS), part);
    EXPECT(code, leat_flush(rig.leat, RIG_MS), part);
    ck_assert_int_eq(leat_taken(rig.leat), 0);
    leat_close(rig.leat);
}

START_TEST(what_cannot_be_opened_says_why)
{
    struct leat_options options = {.size = sizeof options, .client_name = "a b"};
    char url[200];
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    ASK("CONFIG", "SET", "requirepass", "sesame");
    expect_closed("http://example.org", NULL, LEAT_ERROR_USAGE, "not understood");
    expect_closed("unix:///nowhere", NULL, LEAT_ERROR_LINK, "No such file");
    expect_closed("unix:///nowhere", NULL, LEAT_ERROR_LINK, "give another URL");
    expect_closed("redis://:sesame@127.0.0.1:1", NULL, LEAT_ERROR_LINK, "refused");
    expect_closed(rig.redis.url, NULL, LEAT_ERROR_DENIED, "NOAUTH");
    snprintf(url, sizeof url, "unix://:sesame2@%s", rig.redis.socket);
    expect_closed(url, NULL, LEAT_ERROR_DENIED, "WRONGPASS");
    snprintf(url, sizeof url, "unix://:sesame@%s?db=99", rig.redis.socket);
    expect_closed(url, NULL, LEAT_ERROR_CONFIG, "out of range");
    snprintf(url, sizeof url, "unix://:sesame@%s", rig.redis.socket);
    expect_closed(url, &options, LEAT_ERROR_USAGE, "'client_name'");
    OK(leat_open(&rig.leat, url, NULL));
    OK(leat_push(rig.leat, JOB(.type = "t"), NULL, RIG_MS));
    rig_stop();
}
END_TEST

START_TEST(a_server_that_hangs_is_waited_for_no_longer_than_asked)
{
    struct leat_options options = {.size = sizeof options, .open_timeout_ms = 150};
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    kill(rig.redis.pid, SIGSTOP);
    expect_closed(rig.redis.url, &options, LEAT_ERROR_LINK, "has not greeted yet");
    kill(rig.redis.pid, SIGCONT);
    client_close(&rig.other);
    redis_fixture_stop(&rig.redis);
}
END_TEST

START_TEST(the_client_has_a_name_in_redis)
{
    struct leat_options options = {.size = sizeof options, .client_name = "shop-7"};
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    OK(leat_open(&rig.leat, rig.redis.url, &options));
    struct bytes list = reply_bytes(ASK("CLIENT", "LIST"));
    ck_assert_ptr_nonnull(memmem(list.at, list.len, " name=shop-7 ", 13));
    rig_stop();
}
END_TEST

/* ---- queues, processes, threads ---------------------------------------------------- */

static int add_to_queue(int number)
{
    char queue[24];
    snprintf(queue, sizeof queue, "q%d", number);
    return leat_add(rig.leat, JOB(.queue = queue, .type = "t"), NULL, RIG_MS);
}

START_TEST(one_handle_pushes_to_any_number_of_queues_in_turn)
{
    RIG_START(NULL);
    OK(rig_add(1, RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    for (int i = 0; i < 200; i++) {
        OK(add_to_queue(i));
        if (i % 50 == 49)
            OK(leat_flush(rig.leat, RIG_MS));
    }
    OK(rig_add(1, RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    ck_assert_int_eq(leat_taken(rig.leat), 202);
    ck_assert_int_eq(leat_acknowledged(rig.leat), 202);
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), 2);
    ck_assert_int_eq(reply_int(ASK("SCARD", QUEUES_KEY), -1), 201);
    for (int i = 0; i < 64; i++)
        OK(add_to_queue(i));
    EXPECT(LEAT_ERROR_BUSY, add_to_queue(64), "flush before");
    OK(leat_flush(rig.leat, RIG_MS));
    OK(add_to_queue(64));
    rig_stop();
}
END_TEST

START_TEST(a_child_process_may_close_the_handle_and_no_more)
{
    RIG_START(NULL);
    OK(rig_push(RIG_MS));
    OK(rig_add(10, RIG_MS));
    pid_t pid = fork();
    if (pid == 0) {
        int code = rig_push(RIG_MS) == LEAT_ERROR_USAGE &&
                   leat_flush(rig.leat, RIG_MS) == LEAT_ERROR_USAGE &&
                   strstr(leat_error_text(rig.leat), "another process") != NULL;
        leat_close(rig.leat);
        _exit(code ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    OK(rig_push(RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    rig_expect_each_once();
    rig_stop();
}
END_TEST

enum { THREADS = 4, THREAD_JOBS = 5000, ALL_JOBS = THREADS * THREAD_JOBS };

static void *push_in_thread(void *arg)
{
    struct leat *leat;
    struct leat_job job = {.size = sizeof job, .queue = "q", .type = "t"};
    int code = leat_open(&leat, arg, NULL);
    for (int i = 0; i < THREAD_JOBS && code == 0; i++)
        code = leat_add(leat, &job, NULL, RIG_MS);
    if (code == 0)
        code = leat_flush(leat, RIG_MS);
    leat_close(leat);
    return code == 0 ? NULL : arg;
}

START_TEST(threads_push_by_handles_of_their_own)
{
    pthread_t threads[THREADS];
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, push_in_thread, rig.redis.url);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_int_eq(reply_int(ASK("LLEN", "leat:q"), -1), ALL_JOBS);
    rig_stop();
}
END_TEST

SUITE("libleat", a_job_is_pushed_as_it_was_given,
      a_job_without_an_id_gets_one_that_sorts_by_time, jobs_for_later_are_scheduled,
      an_envelope_is_pushed_byte_for_byte,
      a_bad_envelope_is_refused_with_the_name_of_the_field,
      a_bad_job_is_refused_and_costs_the_others_nothing, structs_tell_their_size,
      misuse_is_an_error_and_no_crash, what_cannot_be_opened_says_why,
      a_server_that_hangs_is_waited_for_no_longer_than_asked,
      the_client_has_a_name_in_redis, one_handle_pushes_to_any_number_of_queues_in_turn,
      a_child_process_may_close_the_handle_and_no_more,
      threads_push_by_handles_of_their_own)
