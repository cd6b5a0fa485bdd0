/* SPDX-License-Identifier: MIT */
#include "broker/worker_record.h"
#include "schema/fields.h"

#include <string.h>

enum { TEXT_BYTES = 512 };

struct record {
    struct bytes host, version, process, state, alarm, queues, jobs;
    struct overview_worker numbers;
};

#define TEXT(name)                                                                       \
    {                                                                                    \
#name, FIELD_TEXT, offsetof(struct record, name), 0, TEXT_BYTES, 0, NULL         \
    }
#define NUMBER(name)                                                                     \
    {                                                                                    \
#name, FIELD_INT, offsetof(struct record, numbers.name), 0, INT64_MAX, 0, NULL   \
    }

static const struct field rows[] = {
    TEXT(host),
    TEXT(version),
    TEXT(process),
    TEXT(state),
    TEXT(alarm),
    {"queues", FIELD_ARRAY, offsetof(struct record, queues), 0, 0, 1, NULL},
    {"jobs", FIELD_ARRAY, offsetof(struct record, jobs), 0, 0, 0, NULL},
    NUMBER(pid),
    NUMBER(protocol),
    NUMBER(slots),
    NUMBER(busy),
    NUMBER(held),
    NUMBER(done),
    NUMBER(failed),
    NUMBER(retried),
    NUMBER(rss_bytes),
    NUMBER(cpu_ms),
    NUMBER(started_ms),
    NUMBER(fetched_ms),
    {"seen_ms", FIELD_INT, offsetof(struct record, numbers.seen_ms), 0, INT64_MAX, 1,
     NULL},
};

/* What is no text is no queue. */
static void read_queues(struct overview_worker *worker, struct bytes array,
                        struct arena *arena)
{
    struct members_walk walk;
    struct member item;
    struct bytes name;
    size_t items = 0;
    for (members_walk(&walk, array); members_next(&walk, &item);)
        items++;
    worker->queues = arena_alloc(arena, (items + 1) * sizeof *worker->queues);
    for (members_walk(&walk, array); members_next(&walk, &item);)
        if (member_text(&item, arena, &name) == 0)
            worker->queues[worker->queue_count++] = arena_dup(arena, name);
}

/* ---- jobs -------------------------------------------------------------------------- */

struct job {
    struct bytes id, iid, type, queue;
    int64_t since_ms;
};

#define JOB_TEXT(name)                                                                   \
    {                                                                                    \
#name, FIELD_TEXT, offsetof(struct job, name), 0, TEXT_BYTES, 0, NULL            \
    }

static const struct field job_rows[] = {
    JOB_TEXT(id),
    JOB_TEXT(iid),
    JOB_TEXT(type),
    JOB_TEXT(queue),
    {"since_ms", FIELD_INT, offsetof(struct job, since_ms), 0, INT64_MAX, 0, NULL},
};

static const char *text_or_null(struct arena *arena, struct bytes text)
{
    return text.len > 0 ? arena_dup(arena, text) : NULL;
}

static int read_job(struct overview_job *out, struct bytes object, struct arena *arena)
{
    struct members members;
    struct job job = {0};
    if (members_read(&members, object, NULL) != LEAT_OK ||
        fields_read(job_rows, sizeof job_rows / sizeof *job_rows, &members, arena, &job,
                    NULL) != LEAT_OK)
        return -1;
    *out = (struct overview_job){.id = text_or_null(arena, job.id),
                                 .iid = text_or_null(arena, job.iid),
                                 .type = arena_dup(arena, job.type),
                                 .queue = arena_dup(arena, job.queue),
                                 .since_ms = job.since_ms};
    return 0;
}

static void read_jobs(struct overview_worker *worker, struct bytes array,
                      struct arena *arena)
{
    struct members_walk walk;
    struct member item;
    if (array.len == 0)
        return; /* a version that does not tell */
    worker->jobs = arena_alloc(arena, LIMIT_RECORD_JOBS * sizeof *worker->jobs);
    members_walk(&walk, array);
    while (worker->job_count < LIMIT_RECORD_JOBS && members_next(&walk, &item))
        if (read_job(&worker->jobs[worker->job_count], item.raw, arena) == 0)
            worker->job_count++;
}

/* ---- the record -------------------------------------------------------------------- */

int worker_record_read(struct overview_worker *worker, struct bytes id,
                       struct bytes record, struct arena *arena)
{
    struct members members;
    struct record read = {.process = bytes_of("0/0")};
    if (record.len > LIMIT_RECORD_BYTES || id.len > TEXT_BYTES ||
        members_read(&members, record, NULL) != LEAT_OK ||
        fields_read(rows, sizeof rows / sizeof *rows, &members, arena, &read, NULL) !=
            LEAT_OK)
        return -1;
    *worker = read.numbers;
    worker->id = arena_dup(arena, id);
    worker->host = arena_dup(arena, read.host);
    worker->version = arena_dup(arena, read.version);
    worker->process = arena_dup(arena, read.process);
    worker->state = arena_dup(arena, read.state);
    worker->alarm = arena_dup(arena, read.alarm);
    worker->note = "";
    read_queues(worker, read.queues, arena);
    read_jobs(worker, read.jobs, arena);
    return 0;
}
