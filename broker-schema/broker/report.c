/* SPDX-License-Identifier: MIT */
#include "broker/report.h"
#include "base/text.h"

#include <string.h>

/* ---- JSON -------------------------------------------------------------------------- */

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_BOOL };

/* A field of a JSON object, and the member of the struct that it shows. */
struct value {
    const char *key;
    enum value_kind kind;
    size_t offset;
};

#define VALUE(type, kind, member)                                                        \
    {                                                                                    \
#member, VALUE_##kind, offsetof(struct type, member)                             \
    }
#define QUEUE(kind, member)  VALUE(overview_queue, kind, member)
#define WORKER(kind, member) VALUE(overview_worker, kind, member)
#define REDIS(member)        VALUE(overview_redis, NUMBER, member)
#define COUNT_OF(table)      (sizeof(table) / sizeof *(table))

static const struct value queue_values[] = {
    QUEUE(TEXT, name),           QUEUE(NUMBER, ready),      QUEUE(NUMBER, high),
    QUEUE(NUMBER, staging),      QUEUE(NUMBER, suspects),   QUEUE(NUMBER, running),
    QUEUE(NUMBER, scheduled),    QUEUE(NUMBER, retrying),   QUEUE(NUMBER, dead),
    QUEUE(NUMBER, bad),          QUEUE(BOOL, paused),       QUEUE(NUMBER, oldest_age_ms),
    QUEUE(NUMBER, next_due_ms),  QUEUE(NUMBER, done),       QUEUE(NUMBER, failed),
    QUEUE(NUMBER, retried),      QUEUE(NUMBER, dead_total), QUEUE(NUMBER, bad_total),
    QUEUE(NUMBER, expired),      QUEUE(NUMBER, cancelled),  QUEUE(NUMBER, merged),
    QUEUE(NUMBER, recovered),    QUEUE(NUMBER, cache_hits), QUEUE(NUMBER, cache_stale),
    QUEUE(NUMBER, cache_misses),
};

static const struct value worker_values[] = {
    WORKER(TEXT, id),           WORKER(TEXT, host),         WORKER(NUMBER, pid),
    WORKER(TEXT, version),      WORKER(NUMBER, protocol),   WORKER(TEXT, process),
    WORKER(TEXT, state),        WORKER(BOOL, lost),         WORKER(NUMBER, slots),
    WORKER(NUMBER, busy),       WORKER(NUMBER, held),       WORKER(NUMBER, done),
    WORKER(NUMBER, failed),     WORKER(NUMBER, retried),    WORKER(NUMBER, rss_bytes),
    WORKER(NUMBER, cpu_ms),     WORKER(NUMBER, started_ms), WORKER(NUMBER, seen_ms),
    WORKER(NUMBER, fetched_ms), WORKER(NUMBER, recovered),  WORKER(NUMBER, recovered_ms),
    WORKER(TEXT, note),         WORKER(TEXT, alarm),
};

static const struct value job_values[] = {
    VALUE(overview_job, TEXT, id),         VALUE(overview_job, TEXT, iid),
    VALUE(overview_job, TEXT, type),       VALUE(overview_job, TEXT, queue),
    VALUE(overview_job, NUMBER, since_ms),
};

static const struct value redis_numbers[] = {
    REDIS(used_memory_bytes),
    REDIS(max_memory_bytes),
    REDIS(clients),
    REDIS(uptime_s),
};

static const struct value alarm_values[] = {
    VALUE(overview_alarm, TEXT, code),
    VALUE(overview_alarm, TEXT, queue),
    VALUE(overview_alarm, TEXT, text),
};

static void add_key(struct buf *out, const char *key)
{
    text_json_string(out, bytes_of(key));
    buf_addc(out, ':');
}

static void add_text(struct buf *out, const char *text)
{
    if (text != NULL)
        text_json_string(out, bytes_of(text));
    else
        buf_adds(out, "null");
}

static void add_value(struct buf *out, const struct value *value, const void *object)
{
    const void *at = (const char *)object + value->offset;
    switch (value->kind) {
    case VALUE_TEXT: add_text(out, *(const char *const *)at); break;
    case VALUE_NUMBER: buf_add_int(out, *(const int64_t *)at); break;
    case VALUE_BOOL: buf_adds(out, *(const int *)at ? "true" : "false"); break;
    }
}

static void add_values(struct buf *out, const struct value *values, size_t count,
                       const void *object)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        add_key(out, values[i].key);
        add_value(out, &values[i], object);
    }
}

static void add_texts(struct buf *out, const char *key, const char *const *texts,
                      int count)
{
    buf_addc(out, ',');
    add_key(out, key);
    buf_addc(out, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_addc(out, ',');
        add_text(out, texts[i]);
    }
    buf_addc(out, ']');
}

static void queue_json(struct buf *out, const struct overview_queue *queue)
{
    buf_addc(out, '{');
    add_values(out, queue_values, COUNT_OF(queue_values), queue);
    add_texts(out, "no_handler", queue->no_handler, queue->no_handler_count);
    buf_adds(out, ",\"error\":");
    add_text(out, queue->broken);
    buf_addc(out, '}');
}

static void worker_json(struct buf *out, const struct overview_worker *worker)
{
    buf_addc(out, '{');
    add_values(out, worker_values, COUNT_OF(worker_values), worker);
    add_texts(out, "queues", worker->queues, worker->queue_count);
    buf_adds(out, ",\"jobs\":[");
    for (int i = 0; i < worker->job_count; i++) {
        buf_adds(out, i > 0 ? ",{" : "{");
        add_values(out, job_values, COUNT_OF(job_values), &worker->jobs[i]);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
}

static void redis_json(struct buf *out, const struct overview_redis *redis)
{
    buf_adds(out, "{\"version\":");
    add_text(out, redis->version);
    buf_adds(out, ",\"role\":");
    add_text(out, redis->role);
    buf_adds(out, ",\"policy\":");
    add_text(out, redis->policy);
    buf_addf(out, ",\"aof\":%s,", redis->aof ? "true" : "false");
    add_values(out, redis_numbers, COUNT_OF(redis_numbers), redis);
    buf_addc(out, '}');
}

static void add_queues(struct buf *out, const struct overview *overview)
{
    buf_adds(out, "\"queues\":[");
    for (int i = 0; i < overview->queue_count; i++) {
        buf_adds(out, i > 0 ? "," : "");
        queue_json(out, &overview->queues[i]);
    }
    buf_addc(out, ']');
}

static void add_end(struct buf *out, const struct overview *overview)
{
    buf_addf(out, ",\"left_out\":%s,\"at_ms\":%lld}\n",
             overview->left_out ? "true" : "false", (long long)overview->at_ms);
}

void report_queues_json(struct buf *out, const struct overview *overview)
{
    buf_addc(out, '{');
    add_queues(out, overview);
    add_end(out, overview);
}

void report_json(struct buf *out, const struct overview *overview, const char *version)
{
    buf_adds(out, "{\"version\":");
    add_text(out, version);
    buf_adds(out, ",\"redis\":");
    redis_json(out, &overview->redis);
    buf_addc(out, ',');
    add_queues(out, overview);
    buf_adds(out, ",\"workers\":[");
    for (int i = 0; i < overview->worker_count; i++) {
        buf_adds(out, i > 0 ? "," : "");
        worker_json(out, &overview->workers[i]);
    }
    buf_adds(out, "],\"alarms\":[");
    for (int i = 0; i < overview->alarm_count; i++) {
        buf_adds(out, i > 0 ? ",{" : "{");
        add_values(out, alarm_values, COUNT_OF(alarm_values), &overview->alarms[i]);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    add_end(out, overview);
}

/* ---- lists ------------------------------------------------------------------------- */

/* The keys stay empty: as JSON a list shows whole objects. */
static const struct table_column queue_columns[] = {
    {"QUEUE", "", TABLE_TEXT},    {"WAITING", "", TABLE_INT},  {"RUNNING", "", TABLE_INT},
    {"SCHEDULED", "", TABLE_INT}, {"RETRYING", "", TABLE_INT}, {"DEAD", "", TABLE_INT},
    {"BAD", "", TABLE_INT},       {"OLDEST", "", TABLE_SPAN},  {"DONE", "", TABLE_INT},
    {"FAILED", "", TABLE_INT},    {"STATE", "", TABLE_TEXT},
};

static const char *queue_state(const struct overview_queue *queue)
{
    if (queue->broken != NULL)
        return "broken";
    return queue->paused ? "paused" : "open";
}

static void add_queue_row(struct table *table, const struct overview_queue *queue)
{
    const int64_t numbers[] = {
        queue->running, queue->scheduled, queue->retrying,
        queue->dead,    queue->bad,       queue->ready > 0 ? queue->oldest_age_ms : -1,
        queue->done,    queue->failed};
    table_text(table, bytes_of(queue->name));
    table_number(table, overview_waiting(queue));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        table_number(table, numbers[i]);
    table_text(table, bytes_of(queue_state(queue)));
}

void report_queues(struct buf *out, const struct overview *overview, enum table_mode mode)
{
    struct table table;
    table_open(&table, mode, queue_columns, COUNT_OF(queue_columns), out);
    for (int i = 0; i < overview->queue_count; i++) {
        if (mode == TABLE_JSON) {
            queue_json(out, &overview->queues[i]);
            buf_addc(out, '\n');
        } else {
            add_queue_row(&table, &overview->queues[i]);
        }
    }
    table_close(&table);
}

void report_queue(struct buf *out, const struct overview_queue *queue,
                  enum table_mode mode)
{
    static const struct table_column columns[] = {{"FIELD", "", TABLE_TEXT},
                                                  {"VALUE", "", TABLE_INT}};
    struct table table;
    if (mode == TABLE_JSON) {
        queue_json(out, queue);
        buf_addc(out, '\n');
        return;
    }
    table_open(&table, mode, columns, COUNT_OF(columns), out);
    for (size_t i = 0; i < COUNT_OF(queue_values); i++) {
        struct buf value = {0};
        if (queue_values[i].kind == VALUE_TEXT)
            continue; /* the name: it was asked for */
        add_value(&value, &queue_values[i], queue);
        table_text(&table, bytes_of(queue_values[i].key));
        table_text(&table, buf_bytes(&value));
        buf_fini(&value);
    }
    table_close(&table);
}

static const struct table_column worker_columns[] = {
    {"WORKER", "", TABLE_TEXT}, {"HOST", "", TABLE_TEXT},    {"PID", "", TABLE_INT},
    {"STATE", "", TABLE_TEXT},  {"SLOTS", "", TABLE_INT},    {"BUSY", "", TABLE_INT},
    {"HELD", "", TABLE_INT},    {"DONE", "", TABLE_INT},     {"FAILED", "", TABLE_INT},
    {"MB", "", TABLE_INT},      {"FETCHED", "", TABLE_SPAN}, {"SEEN", "", TABLE_SPAN},
    {"UP", "", TABLE_SPAN},     {"VERSION", "", TABLE_TEXT}, {"QUEUES", "", TABLE_TEXT},
    {"NOTE", "", TABLE_TEXT},
};

/* How long ago; -1 when that is not known. */
static int64_t since(int64_t now_ms, int64_t at_ms)
{
    if (at_ms == 0)
        return -1;
    return now_ms > at_ms ? now_ms - at_ms : 0;
}

static void add_worker_row(struct table *table, const struct overview_worker *worker,
                           int64_t now_ms)
{
    const int64_t numbers[] = {worker->slots,
                               worker->busy,
                               worker->held,
                               worker->done,
                               worker->failed,
                               worker->rss_bytes / 1000000,
                               since(now_ms, worker->fetched_ms),
                               since(now_ms, worker->seen_ms),
                               since(now_ms, worker->started_ms)};
    struct buf queues = {0};
    for (int i = 0; i < worker->queue_count; i++)
        buf_addf(&queues, "%s%s", i > 0 ? "," : "", worker->queues[i]);
    table_text(table, bytes_of(worker->id));
    table_text(table, bytes_of(worker->host));
    table_number(table, worker->pid);
    table_text(table, bytes_of(worker->lost ? "lost" : worker->state));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        table_number(table, numbers[i]);
    table_text(table, bytes_of(worker->version));
    table_text(table, buf_bytes(&queues));
    table_text(table, bytes_of(worker->note));
    buf_fini(&queues);
}

void report_workers(struct buf *out, const struct overview *overview,
                    enum table_mode mode)
{
    struct table table;
    table_open(&table, mode, worker_columns, COUNT_OF(worker_columns), out);
    for (int i = 0; i < overview->worker_count; i++) {
        if (mode == TABLE_JSON) {
            worker_json(out, &overview->workers[i]);
            buf_addc(out, '\n');
        } else {
            add_worker_row(&table, &overview->workers[i], overview->at_ms);
        }
    }
    table_close(&table);
}

/* ---- text -------------------------------------------------------------------------- */

static void add_redis_line(struct buf *out, const struct overview_redis *redis)
{
    buf_addf(out, "Redis %s: %.1f MB used", redis->version[0] ? redis->version : "?",
             (double)redis->used_memory_bytes / 1e6);
    if (redis->max_memory_bytes > 0)
        buf_addf(out, " of %.1f MB", (double)redis->max_memory_bytes / 1e6);
    buf_adds(out, ", up ");
    text_duration(out, redis->uptime_s * 1000);
    buf_adds(out, redis->aof ? ", append-only file on\n" : ", append-only file off\n");
}

void report_text(struct buf *out, const struct overview *overview)
{
    add_redis_line(out, &overview->redis);
    for (int i = 0; i < overview->alarm_count; i++) {
        struct bytes text = bytes_of(overview->alarms[i].text);
        buf_adds(out, "ALARM ");
        text_printable(out, text, text.len);
        buf_addc(out, '\n');
    }
    buf_addc(out, '\n');
    if (overview->queue_count > 0)
        report_queues(out, overview, TABLE_ALIGNED);
    else
        buf_adds(out, "No queues yet. Push a job: leat push increment counter=hits\n");
    buf_addc(out, '\n');
    if (overview->worker_count > 0)
        report_workers(out, overview, TABLE_ALIGNED);
    else
        buf_adds(out, "No workers. Start one: leat worker\n");
    if (overview->left_out)
        buf_adds(out, "\nThere are more queues or workers than are shown here.\n");
}
