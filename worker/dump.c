/* SPDX-License-Identifier: MIT */
#include "worker/dump.h"
#include "base/clock.h"
#include "base/text.h"
#include "worker/attempt.h"
#include "worker/feed.h"

#include <unistd.h>

void dump_write(struct buf *line)
{
    buf_addc(line, '\n');
    ssize_t written = write(STDOUT_FILENO, line->data, line->len);
    (void)written; /* whoever asked may not listen any more */
    buf_fini(line);
}

void dump_add_queues(struct buf *out, const struct worker_config *config)
{
    buf_adds(out, "\"queues\":[");
    for (int i = 0; i < config->queue_count; i++)
        buf_addf(out, "%s\"%s\"", i > 0 ? "," : "", config->queues[i]);
    buf_addc(out, ']');
}

void dump_add_text(struct buf *out, const char *name, struct bytes text)
{
    buf_addf(out, "\"%s\":", name);
    text_json_string(out, text);
    buf_addc(out, ',');
}

/* `id` is its producer's, if that gave one. */
static void add_job(struct buf *out, const struct attempt *attempt)
{
    buf_addc(out, '{');
    if (attempt->envelope.id.len > 0)
        dump_add_text(out, "id", attempt->envelope.id);
    dump_add_text(out, "iid", attempt->entry.iid);
    dump_add_text(out, "type", bytes_of(attempt->type->name));
    dump_add_text(out, "queue", bytes_of(attempt->feed->queue.name));
    dump_add_text(out, "lease", bytes_of(attempt->lease));
    buf_addf(out, "\"running_ms\":%lld}",
             (long long)(clock_mono_ms() - attempt->started_mono_ms));
}

void dump_worker(const struct worker *worker)
{
    const struct worker_config *config = worker->config;
    struct buf out = {0};
    buf_addf(&out, "{\"worker\":\"%s\",\"pid\":%d,\"process\":%d,\"processes\":%d,",
             worker->id, (int)getpid(), config->process, config->processes);
    buf_addf(&out, "\"state\":\"%s\",", worker_state_name(worker->state));
    dump_add_queues(&out, config);
    buf_addf(&out,
             ",\"slots\":%d,\"busy\":%d,\"held\":%d,\"done\":%lld,\"failed\":%lld,"
             "\"redis\":\"%s\",\"jobs\":[",
             config->slots, worker->attempts.count, worker->held_jobs,
             (long long)worker->done, (long long)worker->failed,
             link_is_up(worker->link) ? "up" : "lost");
    for (const struct attempt *it = worker->attempts.first; it != NULL; it = it->next) {
        if (it != worker->attempts.first)
            buf_addc(&out, ',');
        add_job(&out, it);
    }
    buf_adds(&out, "]}");
    dump_write(&out);
}
