/* SPDX-License-Identifier: MIT */
#include "broker/overview.h"
#include "rig.h"
#include "unit/suite.h"

#include <string.h>

struct looked {
    struct overview overview;
    int done;
    struct err err;
};

static void on_overview(void *arg, struct overview *overview, const struct err *err)
{
    struct looked *looked = arg;
    ck_assert_ptr_eq(overview, &looked->overview);
    looked->done++;
    if (err != NULL)
        looked->err = *err;
}

static void look(struct rig *rig, struct looked *looked)
{
    struct err err = {0};
    *looked = (struct looked){0};
    ck_assert_int_eq(
        overview_start(&looked->overview, rig->client.link, on_overview, looked),
        LEAT_OK);
    ck_assert_int_eq(looked->done, 0);
    ck_assert_int_eq(client_wait(&rig->client, &looked->done, &err), LEAT_OK);
}

static const struct overview_queue *find(const struct looked *looked, const char *name)
{
    for (int i = 0; i < looked->overview.queue_count; i++)
        if (strcmp(looked->overview.queues[i].name, name) == 0)
            return &looked->overview.queues[i];
    return NULL;
}

static int count_alarms(const struct looked *looked, const char *code, const char *queue)
{
    int count = 0;
    for (int i = 0; i < looked->overview.alarm_count; i++) {
        const struct overview_alarm *alarm = &looked->overview.alarms[i];
        count += strcmp(alarm->code, code) == 0 &&
                 (queue == NULL || strcmp(alarm->queue, queue) == 0);
    }
    return count;
}

/* A worker's record, seen `ago_ms` before now. */
static void put_worker(struct rig *rig, const char *id, const char *queues,
                       int64_t ago_ms, const char *alarm)
{
    ASK(rig, "HSET", WORKERS_KEY, id,
        rig_format(rig,
                   "{\"host\":\"h\",\"pid\":7,\"version\":\"1.2\",\"queues\":%s,"
                   "\"slots\":10,\"busy\":3,\"held\":4,\"done\":5,\"failed\":6,"
                   "\"started_ms\":1,\"seen_ms\":%lld,\"state\":\"running\","
                   "\"alarm\":\"%s\"}",
                   queues, (long long)(rig_now_ms(rig) - ago_ms), alarm));
}

static void finish(struct rig *rig, struct looked *looked)
{
    overview_fini(&looked->overview);
    rig_stop(rig);
}

START_TEST(an_empty_redis_has_no_queues_no_workers_and_no_alarms)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    look(&rig, &looked);
    ck_assert_int_eq(looked.err.code, LEAT_OK);
    ck_assert_int_eq(looked.overview.queue_count, 0);
    ck_assert_int_eq(looked.overview.worker_count, 0);
    ck_assert_int_eq(looked.overview.alarm_count, 0);
    ck_assert_int_gt(looked.overview.at_ms, INT64_C(1700000000000));
    ck_assert_int_ge(looked.overview.redis.version[0], '7');
    ck_assert_str_eq(looked.overview.redis.role, "master");
    ck_assert_int_gt(looked.overview.redis.used_memory_bytes, 0);
    finish(&rig, &looked);
}
END_TEST

START_TEST(the_default_queue_is_seen_although_nobody_registered_it)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "LPUSH", "leat:default", "{}");
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.queue_count, 1);
    ck_assert_int_eq(find(&looked, "default")->ready, 1);
    ck_assert_int_eq(count_alarms(&looked, "no_worker", "default"), 1);
    finish(&rig, &looked);
}
END_TEST

START_TEST(every_number_of_a_queue_comes_from_its_key)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    const char *soon = rig_format(&rig, "%lld", (long long)rig_now_ms(&rig) + 60000);
    ASK(&rig, "SADD", QUEUES_KEY, "mail");
    ASK(&rig, "LPUSH", "leat:mail", "1");
    ASK(&rig, "LPUSH", "{leat:mail}:high", "1", "2");
    ASK(&rig, "LPUSH", "{leat:mail}:h", "1", "2", "3");
    ASK(&rig, "LPUSH", "{leat:mail}:s", "1", "2", "3", "4");
    ASK(&rig, "LPUSH", "{leat:mail}:bad", "1", "2", "3", "4", "5");
    ASK(&rig, "ZADD", "{leat:mail}:dead", "1", "a", "2", "b");
    ASK(&rig, "ZADD", "{leat:mail}:sched", soon, "a", soon, "b", soon, "c");
    ASK(&rig, "HSET", "{leat:mail}:m", "res", "20", "fin", "13", "retrying", "1", "done",
        "11", "retry", "12", "dead", "13", "bad", "14", "expired", "15", "merged", "16",
        "recovered", "17", "hits", "18", "stale", "19", "misses", "20", "paused", "1");
    look(&rig, &looked);
    const struct overview_queue *mail = find(&looked, "mail");
    const int64_t got[] = {mail->ready,       mail->high,         mail->staging,
                           mail->suspects,    mail->bad,          mail->dead,
                           mail->scheduled,   mail->retrying,     mail->running,
                           mail->done,        mail->retried,      mail->failed,
                           mail->expired,     mail->merged,       mail->recovered,
                           mail->bad_total,   mail->dead_total,   mail->cache_hits,
                           mail->cache_stale, mail->cache_misses, mail->paused};
    static const int64_t want[] = {1,  2,  3,  4,  5,  2,  2,  1,  7,  11, 12,
                                   25, 15, 16, 17, 14, 13, 18, 19, 20, 1};
    for (size_t i = 0; i < COUNT(want); i++)
        ck_assert_msg(got[i] == want[i], "number %zu is %lld, not %lld", i,
                      (long long)got[i], (long long)want[i]);
    ck_assert_int_gt(mail->next_due_ms, 30000);
    ck_assert_int_le(mail->next_due_ms, 60000);
    ck_assert_int_eq(count_alarms(&looked, "no_worker", NULL), 0); /* it is paused */
    finish(&rig, &looked);
}
END_TEST

START_TEST(age_of_the_next_job_comes_from_its_header_or_its_id)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    int64_t born_ms = rig_now_ms(&rig) - 90000;
    unsigned long long id = (unsigned long long)born_ms;
    ASK(&rig, "SADD", QUEUES_KEY, "header", "id", "neither", "empty");
    ASK(&rig, "RPUSH", "leat:header", "newer",
        rig_format(&rig, "R1 i.0 1 0 t=%lld\nx", (long long)born_ms));
    ASK(&rig, "RPUSH", "leat:id",
        rig_format(&rig,
                   "{\"type\":\"t\",\"args\":1,\"id\":\"%08llx-%04llx-7abc-8def-"
                   "0123456789ab\"}",
                   id >> 16, id & 0xffff));
    ASK(&rig, "RPUSH", "leat:neither", "{\"type\":\"t\",\"args\":1}");
    look(&rig, &looked);
    ck_assert_int_ge(find(&looked, "header")->oldest_age_ms, 90000);
    ck_assert_int_lt(find(&looked, "header")->oldest_age_ms, 150000);
    ck_assert_int_ge(find(&looked, "id")->oldest_age_ms, 90000);
    ck_assert_int_lt(find(&looked, "id")->oldest_age_ms, 150000);
    ck_assert_int_eq(find(&looked, "neither")->oldest_age_ms, -1);
    ck_assert_int_eq(find(&looked, "empty")->oldest_age_ms, 0);
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_queue_with_a_key_of_another_type_does_not_hide_the_others)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "broken", "good");
    ASK(&rig, "SET", "{leat:broken}:dead", "x");
    ASK(&rig, "LPUSH", "leat:good", "x");
    look(&rig, &looked);
    ck_assert_int_eq(looked.err.code, LEAT_OK);
    ck_assert_ptr_nonnull(find(&looked, "broken")->broken);
    ck_assert_ptr_null(find(&looked, "good")->broken);
    ck_assert_int_eq(find(&looked, "good")->ready, 1);
    ck_assert_int_eq(count_alarms(&looked, "wrong_type", "broken"), 1);
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_worker_is_alive_then_lost_then_forgotten)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_worker(&rig, "a", "[\"mail\",\"b\"]", 0, "");
    put_worker(&rig, "b", "[]", WORKER_ALIVE_MS + 1000, "");
    put_worker(&rig, "c", "[]", WORKER_FORGOTTEN_MS + 1000, "");
    ASK(&rig, "HSET", WORKERS_KEY, "d", "no record", "e", "{\"queues\":[]}");
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.worker_count, 2);
    const struct overview_worker *worker = looked.overview.workers;
    ck_assert_str_eq(worker[0].id, "a");
    ck_assert_int_eq(worker[0].lost, 0);
    ck_assert_str_eq(worker[0].host, "h");
    ck_assert_str_eq(worker[0].version, "1.2");
    ck_assert_str_eq(worker[0].state, "running");
    ck_assert_int_eq(worker[0].pid, 7);
    ck_assert_int_eq(worker[0].busy, 3);
    ck_assert_int_eq(worker[0].queue_count, 2);
    ck_assert_str_eq(worker[0].queues[0], "mail");
    ck_assert_str_eq(worker[0].queues[1], "b");
    ck_assert_str_eq(worker[1].id, "b");
    ck_assert_int_eq(worker[1].lost, 1);
    finish(&rig, &looked);
}
END_TEST

/* What `put_worker` writes is the record of a version before these fields. */
START_TEST(a_record_of_an_older_version_is_read_without_what_it_does_not_say)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_worker(&rig, "a", "[]", 0, "");
    look(&rig, &looked);
    const struct overview_worker *worker = looked.overview.workers;
    ck_assert_int_eq(worker->done, 5);
    ck_assert_str_eq(worker->process, "0/0");
    ck_assert_int_eq(worker->protocol, 0);
    ck_assert_int_eq(worker->fetched_ms, 0);
    ck_assert_int_eq(worker->job_count, 0);
    ck_assert_str_eq(worker->note, "");
    ck_assert_int_eq(looked.overview.alarm_count,
                     0); /* it does not tell when it fetched */
    finish(&rig, &looked);
}
END_TEST

/* A record with all that this version knows; it fetched `ago_ms` before now. */
static void put_full_worker(struct rig *rig, const char *id, int64_t ago_ms,
                            const char *jobs)
{
    long long now_ms = (long long)rig_now_ms(rig);
    ASK(rig, "HSET", WORKERS_KEY, id,
        rig_format(rig,
                   "{\"host\":\"h\",\"pid\":7,\"version\":\"1.2\",\"protocol\":1,"
                   "\"process\":\"2/4\",\"queues\":[],\"slots\":10,\"busy\":2,"
                   "\"held\":4,\"done\":5,\"failed\":6,\"retried\":3,"
                   "\"rss_bytes\":8000000,\"cpu_ms\":90,\"started_ms\":1,"
                   "\"seen_ms\":%lld,\"fetched_ms\":%lld,\"jobs\":%s,"
                   "\"state\":\"quiet\",\"alarm\":\"\",\"later\":[{\"x\":1}]}",
                   now_ms, now_ms - (long long)ago_ms, jobs));
}

START_TEST(a_record_tells_of_the_worker_and_of_its_jobs)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_full_worker(
        &rig, "a", 0,
        "[{\"id\":\"}{\\\"\",\"type\":\"refresh\",\"queue\":\"q\",\"since_ms\":9},"
        "{\"iid\":\"l.0\",\"type\":\"t\",\"queue\":\"q\",\"since_ms\":8,"
        "\"later\":{}}]");
    look(&rig, &looked);
    const struct overview_worker *worker = looked.overview.workers;
    ck_assert_int_eq(worker->protocol, 1);
    ck_assert_str_eq(worker->process, "2/4");
    ck_assert_str_eq(worker->state, "quiet");
    ck_assert_int_eq(worker->retried, 3);
    ck_assert_int_eq(worker->rss_bytes, 8000000);
    ck_assert_int_eq(worker->cpu_ms, 90);
    ck_assert_int_gt(worker->fetched_ms, INT64_C(1700000000000));
    ck_assert_int_eq(worker->job_count, 2);
    ck_assert_str_eq(worker->jobs[0].id, "}{\"");
    ck_assert_str_eq(worker->jobs[0].type, "refresh");
    ck_assert_int_eq(worker->jobs[0].since_ms, 9);
    ck_assert_ptr_null(worker->jobs[1].id);
    ck_assert_str_eq(worker->jobs[1].iid, "l.0");
    ck_assert_str_eq(worker->jobs[1].queue, "q");
    finish(&rig, &looked);
}
END_TEST

START_TEST(jobs_of_another_shape_do_not_hide_the_worker)
{
    static const char *const jobs[] = {"[]", "[1,\"{}\",[{}],{}]", "[{\"id\":1}]",
                                       "[{\"since_ms\":\"x\"},{\"type\":\"t\"}]"};
    static const int count[] = {0, 1, 0, 1};
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    for (size_t i = 0; i < COUNT(jobs); i++) {
        put_full_worker(&rig, "a", 0, jobs[i]);
        look(&rig, &looked);
        ck_assert_int_eq(looked.overview.worker_count, 1);
        ck_assert_int_eq(looked.overview.workers[0].job_count, count[i]);
        overview_fini(&looked.overview);
    }
    look(&rig, &looked);
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_worker_that_lives_but_fetches_nothing_is_an_alarm)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_full_worker(&rig, "a", WORKER_FETCHES_MS / 2, "[]");
    put_full_worker(&rig, "b", WORKER_FETCHES_MS + 15000, "[]");
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.alarm_count, 1);
    ck_assert_str_eq(looked.overview.alarms[0].code, "not_fetching");
    ck_assert_ptr_nonnull(strstr(looked.overview.alarms[0].text,
                                 "worker b on h is alive but has not fetched for 4"));
    ck_assert_str_eq(looked.overview.workers[0].note, "");
    ck_assert_ptr_nonnull(strstr(looked.overview.workers[1].note, "has not fetched"));
    ck_assert_int_eq(
        overview_unfetched_ms(&looked.overview, &looked.overview.workers[1]) / 1000, 45);
    finish(&rig, &looked);
}
END_TEST

/* The ids of leases begin with the worker's, so whoever reaps them knows whose they
 * were. */
START_TEST(of_a_lost_worker_it_is_told_what_became_of_its_jobs)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_worker(&rig, "idle", "[]", WORKER_ALIVE_MS + 1000, "");
    put_worker(&rig, "live", "[]", 0, "");
    put_worker(&rig, "many", "[]", WORKER_ALIVE_MS + 1000, "");
    put_worker(&rig, "one", "[]", WORKER_ALIVE_MS + 1000, "");
    put_worker(&rig, "odd", "[]", WORKER_ALIVE_MS + 1000, "");
    ASK(&rig, "HSET", LOST_KEY, "many", "12 1795275785000", "one", "1 1795275785999",
        "live", "3 1795275785000", "odd", "no note");
    look(&rig, &looked);
    static const char *const notes[] = {
        "it held 4 when last seen, none is recovered yet", "",
        "its 12 jobs were recovered at 2026-11-21T15:43:05Z",
        "it held 4 when last seen, none is recovered yet",
        "its 1 job was recovered at 2026-11-21T15:43:05Z"};
    ck_assert_int_eq(looked.overview.worker_count, COUNT(notes));
    for (size_t i = 0; i < COUNT(notes); i++)
        ck_assert_str_eq(looked.overview.workers[i].note, notes[i]);
    ck_assert_int_eq(looked.overview.workers[2].recovered, 12);
    ck_assert_int_eq(looked.overview.workers[2].recovered_ms, INT64_C(1795275785000));
    finish(&rig, &looked);
}
END_TEST

START_TEST(the_workers_alone_are_read_without_the_queues)
{
    struct rig rig = {0};
    struct looked looked = {0};
    struct err err = {0};
    rig_start(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "q");
    put_full_worker(&rig, "a", WORKER_FETCHES_MS + 15000, "[]");
    ck_assert_int_eq(
        overview_start_workers(&looked.overview, rig.client.link, on_overview, &looked),
        LEAT_OK);
    ck_assert_int_eq(client_wait(&rig.client, &looked.done, &err), LEAT_OK);
    ck_assert_int_eq(looked.overview.worker_count, 1);
    ck_assert_int_eq(looked.overview.queue_count, 0);
    ck_assert_int_eq(looked.overview.alarm_count, 1);
    finish(&rig, &looked);
}
END_TEST

START_TEST(only_a_living_worker_of_the_queue_ends_the_alarm)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "served", "deserted", "other");
    ASK(&rig, "LPUSH", "leat:served", "x");
    ASK(&rig, "LPUSH", "{leat:deserted}:h", "x");
    put_worker(&rig, "a", "[\"served\"]", 0, "");
    put_worker(&rig, "b", "[\"deserted\"]", WORKER_ALIVE_MS + 1000, "");
    look(&rig, &looked);
    ck_assert_int_eq(count_alarms(&looked, "no_worker", "served"), 0);
    ck_assert_int_eq(count_alarms(&looked, "no_worker", "deserted"), 1);
    ck_assert_int_eq(count_alarms(&looked, "no_worker", "other"), 0);
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_type_met_without_handler_alarms_for_six_minutes)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    int64_t now_ms = rig_now_ms(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "q");
    ASK(&rig, "HSET", "{leat:q}:m", "nh:email",
        rig_format(&rig, "%lld", (long long)now_ms), "nh:old",
        rig_format(&rig, "%lld", (long long)now_ms - NO_HANDLER_RECENT_MS - 1000));
    look(&rig, &looked);
    ck_assert_int_eq(count_alarms(&looked, "no_handler", "q"), 1);
    ck_assert_int_eq(find(&looked, "q")->no_handler_count, 1);
    ck_assert_str_eq(find(&looked, "q")->no_handler[0], "email");
    finish(&rig, &looked);
}
END_TEST

START_TEST(what_a_living_worker_reports_is_an_alarm)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    put_worker(&rig, "a", "[]", 0, "counters hold a list");
    put_worker(&rig, "b", "[]", WORKER_ALIVE_MS + 1000, "long ago");
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.alarm_count, 1);
    ck_assert_str_eq(looked.overview.alarms[0].code, "worker");
    ck_assert_ptr_nonnull(strstr(looked.overview.alarms[0].text, "counters hold a list"));
    finish(&rig, &looked);
}
END_TEST

START_TEST(more_queues_than_the_bound_are_left_out_and_it_is_said)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    cmd_set(&rig.client.cmd, "SADD", QUEUES_KEY, NULL);
    for (int i = 0; i < OVERVIEW_QUEUES_MAX + 500; i++)
        cmd_addf(&rig.client.cmd, "queue-%04d", i);
    ck_assert_ptr_nonnull(rig_call(&rig));
    look(&rig, &looked);
    ck_assert_int_eq(looked.err.code, LEAT_OK);
    ck_assert_int_eq(looked.overview.queue_count, OVERVIEW_QUEUES_MAX);
    ck_assert_int_eq(looked.overview.left_out, 1);
    for (int i = 1; i < looked.overview.queue_count; i++)
        ck_assert_int_lt(
            strcmp(looked.overview.queues[i - 1].name, looked.overview.queues[i].name),
            0);
    finish(&rig, &looked);
}
END_TEST

START_TEST(many_workers_are_read_page_by_page_and_once_each)
{
    enum { MANY = 3000 };
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    int64_t now_ms = rig_now_ms(&rig);
    cmd_set(&rig.client.cmd, "HSET", WORKERS_KEY, NULL);
    for (int i = 0; i < MANY; i++) {
        cmd_addf(&rig.client.cmd, "w%d", i);
        cmd_addf(&rig.client.cmd, "{\"queues\":[],\"seen_ms\":%lld}", (long long)now_ms);
    }
    ck_assert_ptr_nonnull(rig_call(&rig));
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.worker_count, MANY);
    ck_assert_int_eq(looked.overview.left_out, 0);
    finish(&rig, &looked);
}
END_TEST

START_TEST(names_that_are_no_queues_are_passed_over)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "good", "bad name", "{x}", "");
    look(&rig, &looked);
    ck_assert_int_eq(looked.overview.queue_count, 1);
    ck_assert_str_eq(looked.overview.queues[0].name, "good");
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_foreign_set_of_queues_is_an_error_and_not_an_empty_overview)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "SET", QUEUES_KEY, "x");
    look(&rig, &looked);
    ck_assert_int_eq(looked.done, 1);
    ck_assert_int_eq(looked.err.code, LEAT_EFOREIGN);
    finish(&rig, &looked);
}
END_TEST

START_TEST(reading_changes_nothing)
{
    struct rig rig = {0};
    struct looked looked;
    rig_start(&rig);
    ASK(&rig, "SADD", QUEUES_KEY, "a", "b");
    ASK(&rig, "LPUSH", "leat:a", "x");
    put_worker(&rig, "old", "[]", INT64_C(2) * WORKER_FORGOTTEN_MS, "");
    const char *before = rig_digest(&rig);
    look(&rig, &looked);
    ck_assert_str_eq(rig_digest(&rig), before);
    finish(&rig, &looked);
}
END_TEST

START_TEST(a_connection_that_breaks_on_the_way_is_reported_once)
{
    struct rig rig = {0};
    struct looked looked = {0};
    struct err err = {0};
    rig_start(&rig);
    ck_assert_int_eq(
        overview_start(&looked.overview, rig.client.link, on_overview, &looked), LEAT_OK);
    link_drop(rig.client.link, "the test says so");
    redis_fixture_kill9(&rig.redis);
    ck_assert_int_eq(client_wait(&rig.client, &looked.done, &err), LEAT_OK);
    ck_assert_int_eq(looked.done, 1);
    ck_assert_int_eq(looked.err.code, LEAT_ELINK);
    finish(&rig, &looked);
}
END_TEST

SUITE("overview", an_empty_redis_has_no_queues_no_workers_and_no_alarms,
      the_default_queue_is_seen_although_nobody_registered_it,
      every_number_of_a_queue_comes_from_its_key,
      age_of_the_next_job_comes_from_its_header_or_its_id,
      a_queue_with_a_key_of_another_type_does_not_hide_the_others,
      a_worker_is_alive_then_lost_then_forgotten,
      a_record_of_an_older_version_is_read_without_what_it_does_not_say,
      a_record_tells_of_the_worker_and_of_its_jobs,
      jobs_of_another_shape_do_not_hide_the_worker,
      a_worker_that_lives_but_fetches_nothing_is_an_alarm,
      of_a_lost_worker_it_is_told_what_became_of_its_jobs,
      the_workers_alone_are_read_without_the_queues,
      only_a_living_worker_of_the_queue_ends_the_alarm,
      a_type_met_without_handler_alarms_for_six_minutes,
      what_a_living_worker_reports_is_an_alarm,
      more_queues_than_the_bound_are_left_out_and_it_is_said,
      many_workers_are_read_page_by_page_and_once_each,
      names_that_are_no_queues_are_passed_over,
      a_foreign_set_of_queues_is_an_error_and_not_an_empty_overview,
      reading_changes_nothing, a_connection_that_breaks_on_the_way_is_reported_once)
