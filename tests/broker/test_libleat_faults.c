/* SPDX-License-Identifier: MIT */
/* The C library while something goes wrong: every job is there once, and the library said
 * all the time what is known of each. */
#include "libleat_rig.h"
#include "base/clock.h"
#include "unit/suite.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOBS = 1000, SINGLE = 20 };

/* Push single jobs, and many; a time-out of a call is met by going on. */
static void push_jobs(void)
{
    for (int i = 0; i < SINGLE; i++)
        OK(rig_push(RIG_MS));
    OK(rig_add(JOBS - SINGLE, RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    ck_assert_int_eq(leat_acknowledged(rig.leat), JOBS);
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), rig.next);
}

/* One run over a wire that fails after `n`. Returns whether it did. */
static int run_over(const char *way, const char *unit, const char *word, int64_t n,
                    const char *times)
{
    char after[24];
    const char *url;
    const char *options[] = {"--direction", way,   "--unit",  unit,  "--word", word,
                             "--after",     after, "--times", times, NULL};
    snprintf(after, sizeof after, "%lld", (long long)n);
    rig_proxy_start(&url, options);
    rig_open(url);
    rig.next = rig.seen = 0;
    push_jobs();
    leat_close(rig.leat);
    int faulty = rig_proxy_stop();
    rig_expect_each_once();
    return faulty;
}

/* For n = 0, 1, 2 …, until a run needs no more than n. */
static void cut_everywhere(const char *way, const char *word, int least)
{
    int n = 0;
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    while (run_over(way, "chunks", word, n, "1"))
        n++;
    ck_assert_int_ge(n, least);
    for (int i = 0; i < 20; i++)
        run_over(way, "bytes", word, i * i * 97 + i, "3");
    client_close(&rig.other);
    redis_fixture_stop(&rig.redis);
}

START_TEST(each_job_is_there_once_wherever_commands_are_cut)
{
    cut_everywhere("to-server", "EVALSHA", SINGLE);
}
END_TEST

START_TEST(each_job_is_there_once_wherever_replies_are_cut)
{
    cut_everywhere("to-client", "EVALSHA", SINGLE);
}
END_TEST

START_TEST(the_first_greeting_may_be_cut_too)
{
    redis_fixture_start(&rig.redis, NULL);
    rig_look();
    ck_assert(run_over("to-server", "chunks", "CLIENT", 0, "2"));
    ck_assert(run_over("to-client", "chunks", "CLIENT", 0, "2"));
    ck_assert(run_over("to-server", "bytes", "CLIENT", 7, "1"));
    client_close(&rig.other);
    redis_fixture_stop(&rig.redis);
}
END_TEST

START_TEST(a_redis_that_is_killed_and_comes_back_is_met_by_flushing_later)
{
    RIG_START("--appendonly", "yes", "--appendfsync", "always", NULL);
    OK(rig_push(RIG_MS));
    redis_fixture_kill9(&rig.redis);
    EXPECT(LEAT_ERROR_LINK, rig_push(100), "cannot be reached for now");
    ck_assert_int_eq(rig.next, 2);
    ck_assert_int_eq(leat_state(rig.leat, rig.tickets[0]), LEAT_STATE_ACKNOWLEDGED);
    ck_assert_int_eq(leat_state(rig.leat, rig.tickets[1]), LEAT_STATE_UNKNOWN);
    OK(rig_add(700, RIG_MS));
    ck_assert_int_eq(rig_in_state(LEAT_STATE_WAITING), 200);
    EXPECT(LEAT_ERROR_LINK, leat_flush(rig.leat, 100), "cannot be reached for now");
    ck_assert_int_eq(leat_acknowledged(rig.leat), 1);
    redis_fixture_restart(&rig.redis);
    OK(leat_flush(rig.leat, RIG_MS));
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), 702);
    rig_expect_each_once();
    rig_stop();
}
END_TEST

START_TEST(an_answer_that_does_not_come_in_time_may_come_later)
{
    RIG_START(NULL);
    OK(rig_add(10, RIG_MS));
    ASK("CLIENT", "PAUSE", "100000", "WRITE");
    EXPECT(LEAT_ERROR_TIMEOUT, leat_flush(rig.leat, 50), "did not answer in time");
    EXPECT(LEAT_ERROR_TIMEOUT, rig_push(0), "did not answer in time");
    ck_assert_int_eq(rig_in_state(LEAT_STATE_UNKNOWN), 10);
    ck_assert_int_eq(rig_in_state(LEAT_STATE_WAITING), 1);
    ASK("CLIENT", "UNPAUSE");
    OK(leat_flush(rig.leat, RIG_MS));
    rig_expect_each_once();
    rig_stop();
}
END_TEST

START_TEST(a_full_queue_says_later_and_later_goes_on)
{
    RIG_START(NULL);
    ASK("HSET", rig.queue.meta, "maxlen", "1200");
    OK(rig_add(1700, RIG_MS));
    EXPECT(LEAT_ERROR_BUSY, leat_flush(rig.leat, 100),
           "takes no more jobs for now (FULL");
    EXPECT(LEAT_ERROR_BUSY, rig_push(100), "queue 'q'");
    int64_t there = reply_int(ASK("LLEN", rig.queue.list), -1);
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), there);
    ck_assert_int_eq(there, 1000);
    OK(leat_push(rig.leat,
                 &(struct leat_job){.size = sizeof(struct leat_job), .type = "t"}, NULL,
                 RIG_MS)); /* another queue is not held back */
    rig_read(600);
    OK(leat_flush(rig.leat, RIG_MS));
    rig_expect_each_once();
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), rig.next);
    rig_stop();
}
END_TEST

/* More than a handle keeps: what is not taken is the caller's, what is taken is ours. */
START_TEST(a_caller_who_goes_on_pushing_to_a_full_queue_loses_nothing)
{
    RIG_START(NULL);
    ASK("HSET", rig.queue.meta, "maxlen", "1000");
    int64_t end_ms = clock_mono_ms() + 2LL * RIG_MS;
    int refused = 0;
    while (rig.next < 12000) {
        int code = rig_add(100, 0);
        ck_assert_msg(clock_mono_ms() < end_ms, "not done in time");
        ck_assert_int_eq(leat_taken(rig.leat), rig.next);
        if (code == 0)
            continue;
        ck_assert(code == LEAT_ERROR_BUSY || code == LEAT_ERROR_TIMEOUT);
        refused++;
        rig_read(700);
    }
    while (leat_flush(rig.leat, 50) != 0)
        rig_read(700);
    ck_assert_int_gt(refused, 0);
    rig_expect_each_once();
    rig_stop();
}
END_TEST

START_TEST(a_redis_that_lost_its_history_is_told)
{
    RIG_START(NULL);
    OK(rig_add(600, RIG_MS));
    OK(leat_flush(rig.leat, RIG_MS));
    redis_fixture_restart(&rig.redis);
    EXPECT(LEAT_ERROR_HISTORY, rig_push(RIG_MS), "600 jobs were acknowledged");
    ck_assert_int_eq(rig_in_state(LEAT_STATE_ACKNOWLEDGED), 600);
    ck_assert_int_eq(rig_in_state(LEAT_STATE_REFUSED), 1);
    EXPECT(LEAT_ERROR_HISTORY, leat_flush(rig.leat, RIG_MS), "lost history");
    rig_stop();
}
END_TEST

START_TEST(a_foreign_key_ends_its_queue_and_no_other)
{
    RIG_START(NULL);
    ASK("SET", rig.queue.list, "mine");
    EXPECT(LEAT_ERROR_FOREIGN, rig_push(RIG_MS), "queue 'q'");
    ck_assert_int_eq(rig_in_state(LEAT_STATE_REFUSED), 1);
    OK(leat_push(rig.leat,
                 &(struct leat_job){.size = sizeof(struct leat_job), .type = "t"}, NULL,
                 RIG_MS));
    EXPECT(LEAT_ERROR_FOREIGN, rig_add(1, RIG_MS), "queue 'q'");
    EXPECT(LEAT_ERROR_FOREIGN, leat_flush(rig.leat, RIG_MS), "queue 'q'");
    rig_stop();
}
END_TEST

START_TEST(a_password_changed_meanwhile_ends_the_handle)
{
    RIG_START(NULL);
    OK(rig_push(RIG_MS));
    ASK("CONFIG", "SET", "requirepass", "sesame");
    ASK("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    EXPECT(LEAT_ERROR_DENIED, rig_push(RIG_MS), "NOAUTH");
    EXPECT(LEAT_ERROR_DENIED, leat_flush(rig.leat, RIG_MS), "NOAUTH");
    ck_assert_int_eq(reply_int(ASK("LLEN", rig.queue.list), -1), 1);
    rig_stop();
}
END_TEST

/* Whatever happens, nothing is written to where the program writes. */
START_TEST(the_library_is_silent)
{
    FILE *file = tmpfile();
    struct stat info;
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    RIG_START(NULL);
    fflush(NULL);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    int pushed = rig_push(RIG_MS);
    redis_fixture_kill9(&rig.redis);
    int lost = rig_push(50);
    struct leat *nowhere;
    leat_open(&nowhere, "unix:///nowhere", NULL);
    leat_close(nowhere);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    ck_assert_int_eq(pushed, 0);
    ck_assert_int_eq(lost, LEAT_ERROR_LINK);
    ck_assert_int_eq(fstat(fileno(file), &info), 0);
    ck_assert_int_eq(info.st_size, 0);
    fclose(file);
    rig_stop();
}
END_TEST

SUITE("libleat_faults", each_job_is_there_once_wherever_commands_are_cut,
      each_job_is_there_once_wherever_replies_are_cut, the_first_greeting_may_be_cut_too,
      a_redis_that_is_killed_and_comes_back_is_met_by_flushing_later,
      an_answer_that_does_not_come_in_time_may_come_later,
      a_full_queue_says_later_and_later_goes_on,
      a_caller_who_goes_on_pushing_to_a_full_queue_loses_nothing,
      a_redis_that_lost_its_history_is_told, a_foreign_key_ends_its_queue_and_no_other,
      a_password_changed_meanwhile_ends_the_handle, the_library_is_silent)
