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

/* Step over the next string of an array of strings. Names of queues need no escapes, so
 * the quotes are its ends. Returns 0 when none is left. */
static int next_string(struct bytes *array, struct bytes *out)
{
    const char *end = array->at + array->len;
    const char *from = memchr(array->at, '"', array->len);
    const char *to =
        from != NULL ? memchr(from + 1, '"', (size_t)(end - from - 1)) : NULL;
    if (to == NULL)
        return 0;
    *out = (struct bytes){from + 1, (size_t)(to - from - 1)};
    *array = (struct bytes){to + 1, (size_t)(end - to - 1)};
    return 1;
}

static void read_queues(struct overview_worker *worker, struct bytes array,
                        struct arena *arena)
{
    struct bytes rest = array, name;
    while (next_string(&rest, &name))
        worker->queue_count++;
    worker->queues =
        arena_alloc(arena, ((size_t)worker->queue_count + 1) * sizeof *worker->queues);
    for (int i = 0; next_string(&array, &name); i++)
        worker->queues[i] = arena_dup(arena, name);
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

/* Where the object that begins at `at` ends; NULL when it does not. */
static const char *object_end(const char *at, const char *end)
{
    int depth = 0, quoted = 0;
    for (; at < end; at++) {
        if (quoted && *at == '\\')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '{')
            depth++;
        else if (!quoted && *at == '}' && --depth == 0)
            return at + 1;
    }
    return NULL;
}

/* Step over the next object of an array that was found to be JSON. Returns 0 when none is
 * left. */
static int next_object(struct bytes *array, struct bytes *out)
{
    const char *end = array->at + array->len;
    const char *from = memchr(array->at, '{', array->len);
    const char *to = from != NULL ? object_end(from, end) : NULL;
    if (to == NULL)
        return 0;
    *out = (struct bytes){from, (size_t)(to - from)};
    *array = (struct bytes){to, (size_t)(end - to)};
    return 1;
}

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
    struct bytes object;
    if (array.len == 0)
        return; /* a version that does not tell */
    worker->jobs = arena_alloc(arena, LIMIT_RECORD_JOBS * sizeof *worker->jobs);
    while (worker->job_count < LIMIT_RECORD_JOBS && next_object(&array, &object))
        if (read_job(&worker->jobs[worker->job_count], object, arena) == 0)
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
