/* SPDX-License-Identifier: MIT */
#include "worker/record.h"
#include "worker/attempt.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "worker/dump.h"
#include "worker/feed.h"
#include "worker/resident.h"
#include "worker/tick.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- what the system knows --------------------------------------------------------- */

static int64_t ms_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000;
}

static int64_t cpu_ms(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return ms_of(usage.ru_utime) + ms_of(usage.ru_stime);
}

/* ---- fields ------------------------------------------------------------------------ */

static void add_number(struct buf *out, const char *name, int64_t number)
{
    buf_addf(out, "\"%s\":%lld,", name, (long long)number);
}

static void add_host(struct buf *out)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    dump_add_text(out, "host", bytes_of(host));
}

static int64_t redis_time(const struct worker *worker, int64_t mono_ms)
{
    return mono_ms + worker->redis_ahead_ms;
}

/* Named as its producer does, else by us. */
static void add_job(struct buf *out, const struct attempt *attempt)
{
    int labelled = attempt->envelope.id.len > 0;
    buf_addc(out, '{');
    dump_add_text(out, labelled ? "id" : "iid",
                  labelled ? attempt->envelope.id : attempt->entry.iid);
    dump_add_text(out, "type", attempt->envelope.type);
    dump_add_text(out, "queue", bytes_of(attempt->feed->queue.name));
    buf_addf(out, "\"since_ms\":%lld}",
             (long long)redis_time(attempt->feed->worker, attempt->started_mono_ms));
}

/* The newest stands first in the list; those that run longest are told. */
static void add_jobs(struct buf *out, const struct worker *worker)
{
    int skipped = worker->attempts.count - LIMIT_RECORD_JOBS, index = 0;
    buf_adds(out, "\"jobs\":[");
    for (const struct attempt *it = worker->attempts.first; it != NULL; it = it->next) {
        if (index++ < skipped)
            continue;
        add_job(out, it);
        buf_adds(out, it->next != NULL ? "," : "");
    }
    buf_adds(out, "],");
}

static void add_numbers(struct buf *out, const struct worker *worker)
{
    const struct {
        const char *name;
        int64_t number;
    } rows[] = {
        {"slots", worker->config->slots},
        {"busy", worker->attempts.count},
        {"held", worker->held_jobs},
        {"done", worker->done},
        {"failed", worker->failed},
        {"retried", worker->retried},
        {"rss_bytes", resident_bytes(getpid())},
        {"cpu_ms", cpu_ms()},
        {"started_ms", worker->started_ms},
        {"seen_ms", worker_redis_now_ms(worker)},
        {"fetched_ms", redis_time(worker, worker_fetched_mono_ms(worker))},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        add_number(out, rows[i].name, rows[i].number);
}

void record_write(struct buf *out, const struct worker *worker)
{
    buf_addc(out, '{');
    add_host(out);
    add_number(out, "pid", getpid());
    dump_add_text(out, "version", bytes_of(LEAT_VERSION));
    add_number(out, "protocol", LEAT_PROTOCOL);
    buf_addf(out, "\"process\":\"%d/%d\",", worker->config->process,
             worker->config->processes);
    dump_add_queues(out, worker->config);
    buf_addc(out, ',');
    add_numbers(out, worker);
    add_jobs(out, worker);
    dump_add_text(out, "state", bytes_of(worker_state_name(worker->state)));
    buf_adds(out, "\"alarm\":");
    text_json_string(out, bytes_of(worker->alarm));
    buf_addc(out, '}');
}

/* ---- sending ----------------------------------------------------------------------- */

static void ignore(void *arg, struct answer *answer)
{
    (void)arg, (void)answer;
}

/* As text: an EVALSHA that is sent again might come behind the record's end, as a beat
 * would whose time comes before the goodbye is answered. */
void record_send(struct worker *worker)
{
    struct buf record = {0};
    if (worker->said_goodbye)
        return;
    record_write(&record, worker);
    script_beat(&worker->cmd, worker->id, buf_text(&record));
    link_send(worker->link, &worker->cmd, LINK_TEXT, 0, ignore, NULL);
    buf_fini(&record);
}

int record_withdraw(struct worker *worker, answer_fn fn, void *arg)
{
    cmd_set(&worker->cmd, "ZREM", SEEN_KEY, worker->id, NULL);
    tick_send_quietly(worker, &worker->cmd);
    cmd_set(&worker->cmd, "HDEL", WORKERS_KEY, worker->id, NULL);
    return link_send(worker->link, &worker->cmd, 0, 0, fn, arg);
}
