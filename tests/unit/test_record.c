/* SPDX-License-Identifier: MIT */
/* What a worker writes of itself is what the readers read. */
#include "base/clock.h"
#include "broker/worker_record.h"
#include "suite.h"
#include "worker/attempt.h"
#include "worker/feed.h"
#include "worker/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { JOBS = LIMIT_RECORD_JOBS + 4 };

static struct worker_config config = {.slots = 64, .process = 2, .processes = 4};
static struct worker worker = {.config = &config, .redis_ahead_ms = 5000};
static struct feed feeds[WORKER_QUEUES_MAX];
static struct attempt attempts[JOBS];
static struct arena arena;

static struct bytes repeated(const char *text, size_t count)
{
    struct buf buf = {0};
    for (size_t i = 0; i < count; i++)
        buf_adds(&buf, text);
    struct bytes kept = {arena_dup(&arena, buf_bytes(&buf)), buf.len};
    buf_fini(&buf);
    return kept;
}

/* A worker of so many queues and slow jobs; attempt 0 runs longest. */
static void make_worker(int queue_count, const char *queue, int job_count,
                        struct bytes id, struct bytes type)
{
    worker.feeds = feeds;
    worker.feed_count = config.queue_count = queue_count;
    for (int i = 0; i < queue_count; i++) {
        feeds[i] = (struct feed){.worker = &worker, .asked_mono_ms = 100000 - i};
        ck_assert_int_eq(queue_init(&feeds[i].queue, queue, NULL), LEAT_OK);
        config.queues[i] = queue;
    }
    worker.attempts = (struct attempts){0};
    for (int i = 0; i < job_count; i++) {
        attempts[i] = (struct attempt){.next = worker.attempts.first,
                                       .feed = &feeds[0],
                                       .entry = {.iid = bytes_of("lease.7")},
                                       .envelope = {.id = id, .type = type},
                                       .started_mono_ms = 1000 + i};
        worker.attempts.first = &attempts[i];
        worker.attempts.count++;
    }
}

static struct overview_worker read_back(void)
{
    struct overview_worker read;
    struct buf record = {0};
    record_write(&record, &worker);
    ck_assert_uint_le(record.len, LIMIT_RECORD_BYTES);
    ck_assert_msg(worker_record_read(&read, bytes_of("id"), buf_bytes(&record), &arena) ==
                      0,
                  "%s", buf_text(&record));
    buf_fini(&record);
    return read;
}

START_TEST(a_record_is_read_as_it_was_meant)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    make_worker(2, "mail", 2, bytes_of(""), bytes_of("refresh"));
    attempts[1].envelope.id = bytes_of("my-job");
    worker.held_jobs = 7;
    worker.done = 51000;
    worker.failed = 3;
    worker.retried = 2;
    worker.started_ms = 12345;
    snprintf(worker.alarm, sizeof worker.alarm, "a \"key\" holds\nsomething");
    struct overview_worker read = read_back();
    const int64_t got[] = {read.pid,        read.protocol,  read.slots,  read.busy,
                           read.held,       read.done,      read.failed, read.retried,
                           read.started_ms, read.fetched_ms};
    const int64_t want[] = {getpid(), LEAT_PROTOCOL, 64,    2, 7, 51000, 3,
                            2,        12345,         104999};
    for (size_t i = 0; i < COUNT(want); i++)
        ck_assert_msg(got[i] == want[i], "number %zu is %lld", i, (long long)got[i]);
    ck_assert_int_gt(read.rss_bytes, 100000);
    ck_assert_int_ge(read.cpu_ms, 0);
    ck_assert_int_le(llabs(read.seen_ms - clock_mono_ms() - 5000), 60000);
    ck_assert_str_eq(read.host, host);
    ck_assert_str_eq(read.process, "2/4");
    ck_assert_str_eq(read.state, "running");
    ck_assert_str_eq(read.alarm, worker.alarm);
    ck_assert_int_eq(read.queue_count, 2);
    ck_assert_str_eq(read.queues[1], "mail");
    ck_assert_int_eq(read.job_count, 2);
    ck_assert_str_eq(read.jobs[0].id, "my-job");
    ck_assert_str_eq(read.jobs[1].iid, "lease.7");
    ck_assert_str_eq(read.jobs[1].type, "refresh");
    ck_assert_str_eq(read.jobs[1].queue, "mail");
    ck_assert_int_eq(read.jobs[1].since_ms, 6000);
}
END_TEST

START_TEST(of_many_jobs_those_that_run_longest_are_told)
{
    make_worker(1, "default", JOBS, bytes_of("j"), bytes_of("t"));
    struct overview_worker read = read_back();
    ck_assert_int_eq(read.busy, JOBS);
    ck_assert_int_eq(read.job_count, LIMIT_RECORD_JOBS);
    for (int i = 0; i < LIMIT_RECORD_JOBS; i++)
        ck_assert_int_eq(read.jobs[i].since_ms, 6000 + LIMIT_RECORD_JOBS - 1 - i);
}
END_TEST

START_TEST(the_longest_record_is_within_the_limit)
{
    struct bytes name = repeated("q", LIMIT_QUEUE_NAME_BYTES);
    make_worker(WORKER_QUEUES_MAX, name.at, JOBS, repeated("i", LIMIT_ID_BYTES),
                repeated("t", LIMIT_TYPE_BYTES));
    memset(worker.alarm, '\x01', sizeof worker.alarm - 1); /* six bytes each */
    struct overview_worker read = read_back();
    ck_assert_int_eq(read.queue_count, WORKER_QUEUES_MAX);
    ck_assert_int_eq(read.job_count, LIMIT_RECORD_JOBS);
}
END_TEST

SUITE("record", a_record_is_read_as_it_was_meant,
      of_many_jobs_those_that_run_longest_are_told,
      the_longest_record_is_within_the_limit)
