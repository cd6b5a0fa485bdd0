/* SPDX-License-Identifier: MIT */
/* One overview with something of everything, and what it looks like in each shape. */
#include "broker/report.h"
#include "schema/members.h"
#include "suite.h"

#include <string.h>

static const char *handlers[] = {"email"};
static const char *served[] = {"default", "mail"};

static struct overview_queue queues[] = {
    {.name = "default",
     .ready = 3,
     .high = 1,
     .running = 2,
     .scheduled = 4,
     .retrying = 5,
     .dead = 6,
     .bad = 7,
     .oldest_age_ms = 1500,
     .next_due_ms = 10,
     .done = 100,
     .failed = 9,
     .retried = 3,
     .dead_total = 6,
     .bad_total = 7,
     .expired = 1,
     .cancelled = 4,
     .merged = 2,
     .recovered = 3,
     .cache_hits = 8,
     .cache_stale = 2,
     .no_handler = handlers,
     .no_handler_count = 1},
    {.name = "mail", .ready = 1, .paused = 1, .oldest_age_ms = -1, .next_due_ms = -1},
    {.name = "old", .oldest_age_ms = -1, .next_due_ms = -1, .broken = "WRONGTYPE"},
};

static struct overview_job jobs[] = {
    {.id = "j-1", .type = "refresh", .queue = "mail", .since_ms = 998000},
    {.iid = "h:1:7.0", .type = "refresh", .queue = "mail", .since_ms = 999000},
};

static struct overview_worker workers[] = {
    {.id = "h:1",
     .host = "h",
     .version = "0.1.0",
     .state = "running",
     .alarm = "",
     .process = "1/2",
     .note = "alive, but has not fetched for 40s",
     .queues = served,
     .queue_count = 2,
     .jobs = jobs,
     .job_count = 2,
     .pid = 1,
     .protocol = 1,
     .retried = 3,
     .rss_bytes = 8500000,
     .cpu_ms = 1500,
     .fetched_ms = 960000,
     .slots = 10,
     .busy = 4,
     .held = 5,
     .done = 6,
     .failed = 7,
     .started_ms = 940000,
     .seen_ms = 999000},
    {.id = "h:2",
     .host = "h",
     .version = "0.1.0",
     .state = "stopping",
     .alarm = "",
     .process = "0/0",
     .note = "",
     .slots = 2,
     .busy = 3,
     .seen_ms = 1000000},
    {.id = "h:3",
     .host = "h",
     .version = "",
     .state = "running",
     .alarm = "",
     .process = "0/0",
     .note = "its 12 jobs were recovered at …",
     .slots = 8,
     .rss_bytes = 1000000,
     .seen_ms = 900000,
     .fetched_ms = 900000,
     .recovered = 12,
     .recovered_ms = 930000,
     .lost = 1},
};

static struct overview_alarm alarms[] = {{"no_worker", "mail", "the queue \"mail\""},
                                         {"worker", NULL, "bell\a"}};

static const struct overview sample = {
    .at_ms = 1000000,
    .redis = {.version = "7.0.15",
              .role = "master",
              .policy = "noeviction",
              .used_memory_bytes = 1500000,
              .clients = 3,
              .uptime_s = 61,
              .aof = 1},
    .queues = queues,
    .queue_count = COUNT(queues),
    .workers = workers,
    .worker_count = COUNT(workers),
    .alarms = alarms,
    .alarm_count = COUNT(alarms),
};

static void expect_line(const struct buf *out, const char *line)
{
    const char *at = strstr(buf_text(out), line);
    ck_assert_msg(at != NULL && (at == buf_text(out) || at[-1] == '\n'),
                  "no line '%s' in:\n%s", line, buf_text(out));
}

START_TEST(text_shows_alarms_first_then_queues_and_workers)
{
    struct buf out = {0};
    report_text(&out, &sample);
    ck_assert_str_eq(buf_text(&out),
                     "Redis 7.0.15: 1.5 MB used, up 1m1s, append-only file on\n"
                     "ALARM the queue \"mail\"\n"
                     "ALARM bell\\x07\n"
                     "\n"
                     "QUEUE    WAITING  RUNNING  SCHEDULED  RETRYING  DEAD  BAD  OLDEST  "
                     "DONE  FAILED  "
                     "STATE\n"
                     "default        4        2          4         5     6    7      1s  "
                     " 100       9  "
                     "open\n"
                     "mail           1        0          0         0     0    0       -  "
                     "   0       0  "
                     "paused\n"
                     "old            0        0          0         0     0    0       -  "
                     "   0       0  "
                     "broken\n"
                     "\n"
                     "WORKER  HOST  PID  STATE     SLOTS  BUSY  HELD  DONE  FAILED  MB  "
                     "FETCHED   SEEN  UP  VERSION  QUEUES        NOTE\n"
                     "h:1     h       1  running      10     4     5     6       7   8  "
                     "    40s     1s  1m  0.1.0    default,mail  alive, but has not "
                     "fetched for 40s\n"
                     "h:2     h       0  stopping      2     3     0     0       0   0  "
                     "      -    0ms   -  0.1.0                  \n"
                     "h:3     h       0  lost          8     0     0     0       0   1  "
                     "  1m40s  1m40s   -                         its 12 jobs were "
                     "recovered at …\n");
    buf_fini(&out);
}
END_TEST

START_TEST(text_of_nothing_says_what_to_do)
{
    struct buf out = {0};
    report_text(&out, &(struct overview){.redis = {.version = "7.0.15"}, .left_out = 1});
    expect_line(&out, "No queues yet. Push a job: leat push increment counter=hits\n");
    expect_line(&out, "No workers. Start one: leat worker\n");
    expect_line(&out, "There are more queues or workers than are shown here.\n");
    buf_fini(&out);
}
END_TEST

#define DEFAULT_JSON                                                                     \
    "{\"name\":\"default\",\"ready\":3,\"high\":1,\"staging\":0,\"suspects\":0,"         \
    "\"running\":2,\"scheduled\":4,\"retrying\":5,\"dead\":6,\"bad\":7,"                 \
    "\"paused\":false,\"oldest_age_ms\":1500,\"next_due_ms\":10,\"done\":100,"           \
    "\"failed\":9,\"retried\":3,\"dead_total\":6,\"bad_total\":7,\"expired\":1,"         \
    "\"cancelled\":4,"                                                                   \
    "\"merged\":2,\"recovered\":3,\"cache_hits\":8,\"cache_stale\":2,\"cache_misses\":"  \
    "0,\"no_handler\":[\"email\"],\"error\":null}"

START_TEST(json_has_the_keys_that_scripts_rely_on)
{
    struct buf out = {0};
    report_queue(&out, &queues[0], TABLE_JSON);
    ck_assert_str_eq(buf_text(&out), DEFAULT_JSON "\n");
    buf_fini(&out);
}
END_TEST

START_TEST(json_of_a_worker_tells_its_jobs_and_what_became_of_it)
{
    struct buf out = {0};
    report_workers(&out, &sample, TABLE_JSON);
    expect_line(
        &out,
        "{\"id\":\"h:1\",\"host\":\"h\",\"pid\":1,\"version\":\"0.1.0\","
        "\"protocol\":1,\"process\":\"1/2\",\"state\":\"running\",\"lost\":false,"
        "\"slots\":10,\"busy\":4,\"held\":5,\"done\":6,\"failed\":7,\"retried\":3,"
        "\"rss_bytes\":8500000,\"cpu_ms\":1500,\"started_ms\":940000,"
        "\"seen_ms\":999000,\"fetched_ms\":960000,\"recovered\":0,"
        "\"recovered_ms\":0,\"note\":\"alive, but has not fetched for 40s\","
        "\"alarm\":\"\",\"queues\":[\"default\",\"mail\"],\"jobs\":[{\"id\":\"j-1\","
        "\"iid\":null,\"type\":\"refresh\",\"queue\":\"mail\",\"since_ms\":998000},"
        "{\"id\":null,\"iid\":\"h:1:7.0\",\"type\":\"refresh\",\"queue\":\"mail\","
        "\"since_ms\":999000}]}\n");
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out), "\"recovered\":12,\"recovered_ms\":930000,"));
    buf_fini(&out);
}
END_TEST

START_TEST(json_is_one_document_with_everything)
{
    struct buf out = {0};
    struct members members;
    report_json(&out, &sample, "0.1.0");
    ck_assert_int_eq(members_read(&members, buf_bytes(&out), NULL), LEAT_OK);
    static const char *const keys[] = {"version", "redis",    "queues", "workers",
                                       "alarms",  "left_out", "at_ms"};
    ck_assert_int_eq(members.count, COUNT(keys));
    for (size_t i = 0; i < COUNT(keys); i++)
        ck_assert_ptr_nonnull(members_find(&members, keys[i]));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"queues\":[" DEFAULT_JSON ",{"));
    ck_assert_ptr_nonnull(
        strstr(buf_text(&out),
               "\"alarms\":[{\"code\":\"no_worker\",\"queue\":\"mail\",\"text\":\"the "
               "queue \\\"mail\\\"\"},{\"code\":\"worker\",\"queue\":null,\"text\":"
               "\"bell\\u0007\"}],\"left_out\":false,\"at_ms\":1000000}\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"queues\":[\"default\",\"mail\"],"));
    buf_fini(&out);
}
END_TEST

START_TEST(json_lists_are_one_object_a_line)
{
    struct buf out = {0};
    report_queues(&out, &sample, TABLE_JSON);
    report_workers(&out, &sample, TABLE_JSON);
    size_t lines = 0;
    for (const char *at = buf_text(&out); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, COUNT(queues) + COUNT(workers));
    expect_line(&out, DEFAULT_JSON "\n");
    buf_fini(&out);
}
END_TEST

START_TEST(metrics_have_help_type_and_a_sample_per_state)
{
    static const char *const lines[] = {
        "# HELP leat_queue_jobs Jobs by queue and state.\n# TYPE leat_queue_jobs gauge\n",
        "leat_build_info{version=\"0.1.0\"} 1\n",
        "leat_redis_up 1\n",
        "leat_queue_jobs{queue=\"default\",state=\"ready\"} 3\n",
        "leat_queue_jobs{queue=\"default\",state=\"high\"} 1\n",
        "leat_queue_jobs{queue=\"default\",state=\"bad\"} 7\n",
        "leat_queue_oldest_ready_age_seconds{queue=\"default\"} 1.500\n",
        "leat_queue_paused{queue=\"mail\"} 1\n",
        "# TYPE leat_jobs_done_total counter\nleat_jobs_done_total{queue=\"default\"} "
        "100\n",
        "leat_jobs_failed_total{queue=\"default\"} 9\n",
        "leat_jobs_dead_total{queue=\"default\"} 6\n",
        "leat_jobs_recovered_total{queue=\"default\"} 3\n",
        "leat_cache_hits_total{queue=\"default\"} 8\n",
        "leat_cache_misses_total{queue=\"default\"} 0\n",
        "leat_workers{state=\"running\"} 1\nleat_workers{state=\"quiet\"} 0\n"
        "leat_workers{state=\"stopping\"} 1\nleat_workers{state=\"lost\"} 1\n",
        "leat_workers_unfetched_seconds 40.000\n",
        "leat_workers_resident_bytes 8500000\n",
        "leat_worker_slots{state=\"busy\"} 7\nleat_worker_slots{state=\"idle\"} 6\n",
        "leat_alarms 2\n",
    };
    struct buf out = {0};
    report_metrics(&out, &sample, "0.1.0");
    for (size_t i = 0; i < COUNT(lines); i++)
        expect_line(&out, lines[i]);
    buf_fini(&out);
}
END_TEST

START_TEST(metrics_leave_out_what_is_not_known)
{
    struct buf out = {0};
    report_metrics(&out, &sample, "0.1.0");
    const char *text = buf_text(&out);
    ck_assert_ptr_null(strstr(text, "oldest_ready_age_seconds{queue=\"mail\"}"));
    /* A counter that falls to 0 would look like a restart. */
    ck_assert_ptr_null(strstr(text, "leat_jobs_done_total{queue=\"old\"}"));
    buf_fini(&out);
}
END_TEST

START_TEST(metrics_without_redis_say_that_it_is_down)
{
    struct buf out = {0};
    report_metrics(&out, NULL, "0.1.0");
    ck_assert_str_eq(buf_text(&out), "# HELP leat_build_info Version of this program.\n"
                                     "# TYPE leat_build_info gauge\n"
                                     "leat_build_info{version=\"0.1.0\"} 1\n"
                                     "# HELP leat_redis_up Whether Redis answered.\n"
                                     "# TYPE leat_redis_up gauge\n"
                                     "leat_redis_up 0\n");
    buf_fini(&out);
}
END_TEST

START_TEST(metrics_escape_labels)
{
    struct buf out = {0};
    report_metrics(&out, NULL, "a\"b\\c\nd");
    expect_line(&out, "leat_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n");
    buf_fini(&out);
}
END_TEST

SUITE("report", text_shows_alarms_first_then_queues_and_workers,
      text_of_nothing_says_what_to_do, json_has_the_keys_that_scripts_rely_on,
      json_of_a_worker_tells_its_jobs_and_what_became_of_it,
      json_is_one_document_with_everything, json_lists_are_one_object_a_line,
      metrics_have_help_type_and_a_sample_per_state, metrics_leave_out_what_is_not_known,
      metrics_without_redis_say_that_it_is_down, metrics_escape_labels)
