/* SPDX-License-Identifier: MIT */
/* The metrics, one row each. Source of the format: prometheus.io, "Exposition formats",
 * text format 0.0.4. */
#include "broker/report.h"

#include <string.h>

/* What a row's function gets. */
struct scrape {
    struct buf *out;
    const struct overview *overview; /* NULL: Redis could not be asked */
    const char *version;
};

struct metric {
    const char *name, *type, *help;
    void (*write)(const struct scrape *scrape, const struct metric *metric);
    size_t offset; /* of the member that a per-queue metric shows */
    int without_redis;
};

/* Append `name{label="value"` with what must not stand in a label escaped. */
static void begin_sample(struct buf *out, const char *name, const char *label,
                         const char *value)
{
    buf_addf(out, "%s{%s=\"", name, label);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buf_adds(out, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *value);
    }
    buf_addc(out, '"');
}

static void add_sample(struct buf *out, const char *name, const char *label,
                       const char *value, int64_t number)
{
    begin_sample(out, name, label, value);
    buf_addf(out, "} %lld\n", (long long)number);
}

static void write_build(const struct scrape *scrape, const struct metric *metric)
{
    add_sample(scrape->out, metric->name, "version", scrape->version, 1);
}

static void write_up(const struct scrape *scrape, const struct metric *metric)
{
    buf_addf(scrape->out, "%s %d\n", metric->name, scrape->overview != NULL);
}

static void write_jobs(const struct scrape *scrape, const struct metric *metric)
{
    static const struct {
        const char *state;
        size_t offset;
    } states[] = {
#define STATE(member) {#member, offsetof(struct overview_queue, member)}
        STATE(ready),    STATE(high),    STATE(staging),
        STATE(suspects), STATE(running), STATE(scheduled),
        STATE(retrying), STATE(dead),    STATE(bad),
#undef STATE
    };
    for (int i = 0; i < scrape->overview->queue_count; i++) {
        const struct overview_queue *queue = &scrape->overview->queues[i];
        for (unsigned k = 0; k < sizeof states / sizeof *states; k++) {
            const void *at = (const char *)queue + states[k].offset;
            begin_sample(scrape->out, metric->name, "queue", queue->name);
            buf_addf(scrape->out, ",state=\"%s\"} %lld\n", states[k].state,
                     (long long)*(const int64_t *)at);
        }
    }
}

/* An age that is not known has no sample. */
static void write_age(const struct scrape *scrape, const struct metric *metric)
{
    for (int i = 0; i < scrape->overview->queue_count; i++) {
        const struct overview_queue *queue = &scrape->overview->queues[i];
        if (queue->oldest_age_ms < 0)
            continue;
        begin_sample(scrape->out, metric->name, "queue", queue->name);
        buf_addf(scrape->out, "} %lld.%03d\n", (long long)queue->oldest_age_ms / 1000,
                 (int)(queue->oldest_age_ms % 1000));
    }
}

static void write_paused(const struct scrape *scrape, const struct metric *metric)
{
    for (int i = 0; i < scrape->overview->queue_count; i++)
        add_sample(scrape->out, metric->name, "queue", scrape->overview->queues[i].name,
                   scrape->overview->queues[i].paused);
}

static void write_total(const struct scrape *scrape, const struct metric *metric)
{
    for (int i = 0; i < scrape->overview->queue_count; i++) {
        const struct overview_queue *queue = &scrape->overview->queues[i];
        const void *at = (const char *)queue + metric->offset;
        if (queue->broken == NULL) /* a counter must not fall to 0 */
            add_sample(scrape->out, metric->name, "queue", queue->name,
                       *(const int64_t *)at);
    }
}

static void write_workers(const struct scrape *scrape, const struct metric *metric)
{
    static const char *const states[] = {"running", "quiet", "stopping", "lost"};
    for (unsigned k = 0; k < sizeof states / sizeof *states; k++) {
        int64_t count = 0;
        for (int i = 0; i < scrape->overview->worker_count; i++) {
            const struct overview_worker *worker = &scrape->overview->workers[i];
            count += strcmp(worker->lost ? "lost" : worker->state, states[k]) == 0;
        }
        add_sample(scrape->out, metric->name, "state", states[k], count);
    }
}

/* A label for each worker would never end: each start has a name of its own. */
static void write_unfetched(const struct scrape *scrape, const struct metric *metric)
{
    int64_t worst_ms = 0;
    for (int i = 0; i < scrape->overview->worker_count; i++) {
        int64_t ms =
            overview_unfetched_ms(scrape->overview, &scrape->overview->workers[i]);
        worst_ms = ms > worst_ms ? ms : worst_ms;
    }
    buf_addf(scrape->out, "%s %lld.%03d\n", metric->name, (long long)worst_ms / 1000,
             (int)(worst_ms % 1000));
}

static void write_resident(const struct scrape *scrape, const struct metric *metric)
{
    int64_t bytes = 0;
    for (int i = 0; i < scrape->overview->worker_count; i++)
        if (!scrape->overview->workers[i].lost)
            bytes += scrape->overview->workers[i].rss_bytes;
    buf_addf(scrape->out, "%s %lld\n", metric->name, (long long)bytes);
}

static void write_slots(const struct scrape *scrape, const struct metric *metric)
{
    int64_t busy = 0, idle = 0;
    for (int i = 0; i < scrape->overview->worker_count; i++) {
        const struct overview_worker *worker = &scrape->overview->workers[i];
        if (worker->lost)
            continue;
        busy += worker->busy;
        idle += worker->slots > worker->busy ? worker->slots - worker->busy : 0;
    }
    add_sample(scrape->out, metric->name, "state", "busy", busy);
    add_sample(scrape->out, metric->name, "state", "idle", idle);
}

static void write_alarms(const struct scrape *scrape, const struct metric *metric)
{
    buf_addf(scrape->out, "%s %d\n", metric->name, scrape->overview->alarm_count);
}

#define COUNTER(name, member, help)                                                      \
    {                                                                                    \
        name, "counter", help, write_total, offsetof(struct overview_queue, member), 0   \
    }
#define TOTAL(name, member, help) COUNTER("leat_jobs_" name "_total", member, help)

static const struct metric metrics[] = {
    {"leat_build_info", "gauge", "Version of this program.", write_build, 0, 1},
    {"leat_redis_up", "gauge", "Whether Redis answered.", write_up, 0, 1},
    {"leat_queue_jobs", "gauge", "Jobs by queue and state.", write_jobs, 0, 0},
    {"leat_queue_oldest_ready_age_seconds", "gauge",
     "Age of the job that is next in the queue's list.", write_age, 0, 0},
    {"leat_queue_paused", "gauge", "Whether the queue is paused.", write_paused, 0, 0},
    TOTAL("done", done, "Jobs done."),
    TOTAL("failed", failed, "Runs that failed: those that retry and those that died."),
    TOTAL("retried", retried, "Failures that were put off to run again."),
    TOTAL("dead", dead_total, "Jobs that died."),
    TOTAL("bad", bad_total, "Entries moved to the quarantine."),
    TOTAL("expired", expired, "Jobs that were too late to run."),
    TOTAL("cancelled", cancelled, "Jobs ended because somebody cancelled them."),
    TOTAL("merged", merged, "Jobs satisfied by a refresh that was under way."),
    TOTAL("recovered", recovered, "Jobs taken back from a lease that expired."),
    COUNTER("leat_cache_hits_total", cache_hits, "Readers that got a fresh copy."),
    COUNTER("leat_cache_stale_total", cache_stale,
            "Readers that got a stale copy at once."),
    COUNTER("leat_cache_misses_total", cache_misses, "Readers that had to wait."),
    {"leat_workers", "gauge", "Workers by state.", write_workers, 0, 0},
    {"leat_worker_slots", "gauge", "Slots of all living workers.", write_slots, 0, 0},
    {"leat_workers_unfetched_seconds", "gauge",
     "How long ago the living worker that is worst off asked for jobs.", write_unfetched,
     0, 0},
    {"leat_workers_resident_bytes", "gauge", "Memory of all living workers.",
     write_resident, 0, 0},
    {"leat_alarms", "gauge", "Alarms raised now.", write_alarms, 0, 0},
};

void report_metrics(struct buf *out, const struct overview *overview, const char *version)
{
    const struct scrape scrape = {out, overview, version};
    for (unsigned i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (overview == NULL && !metrics[i].without_redis)
            continue;
        buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help,
                 metrics[i].name, metrics[i].type);
        metrics[i].write(&scrape, &metrics[i]);
    }
}
