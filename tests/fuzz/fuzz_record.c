/* SPDX-License-Identifier: MIT */
/* Whatever stands in `{leat}:workers`: a record that is read keeps its bounds, and its
 * texts are terminated; one that is too long or no record is left out. */
#include "broker/worker_record.h"
#include "fuzz.h"
#include "schema/limits.h"

#include <jansson.h>
#include <string.h>

static void check_text(const char *text)
{
    MUST(text != NULL && strlen(text) <= LIMIT_RECORD_BYTES);
}

static void check_numbers(const struct overview_worker *worker)
{
    MUST(worker->pid >= 0 && worker->slots >= 0 && worker->busy >= 0);
    MUST(worker->held >= 0 && worker->done >= 0 && worker->failed >= 0);
    MUST(worker->started_ms >= 0 && worker->seen_ms >= 0);
}

/* Queues whose names need no escapes are those that jansson finds. */
static void check_queues(const struct overview_worker *worker, struct bytes record)
{
    json_t *tree = json_loadb(record.at, record.len, 0, NULL);
    json_t *queues = json_object_get(tree, "queues");
    int is_plain = memchr(record.at, '\\', record.len) == NULL;
    for (size_t i = 0; i < json_array_size(queues); i++)
        is_plain &= json_is_string(json_array_get(queues, i));
    MUST(!is_plain || (size_t)worker->queue_count == json_array_size(queues));
    for (int q = 0; q < worker->queue_count; q++) {
        json_t *name = json_array_get(queues, (size_t)q);
        MUST(strlen(worker->queues[q]) <= record.len);
        MUST(!is_plain || strcmp(worker->queues[q], json_string_value(name)) == 0);
    }
    json_decref(tree);
}

static size_t count_objects(const json_t *array)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(array); i++)
        count += json_is_object(json_array_get(array, i));
    return count;
}

/* No more jobs than jansson finds; what a job does not tell is NULL. */
static void check_jobs(const struct overview_worker *worker, struct bytes record)
{
    json_t *tree = json_loadb(record.at, record.len, 0, NULL);
    MUST((size_t)worker->job_count <= count_objects(json_object_get(tree, "jobs")));
    MUST(worker->job_count <= LIMIT_RECORD_JOBS);
    for (int i = 0; i < worker->job_count; i++) {
        const struct overview_job *job = &worker->jobs[i];
        check_text(job->type);
        check_text(job->queue);
        MUST(job->since_ms >= 0 && (job->id == NULL || job->id[0] != '\0'));
    }
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes record = input_of(data, size);
    struct arena arena = {0};
    struct overview_worker worker = {0}, untouched = {0};
    if (worker_record_read(&worker, bytes_of("id"), record, &arena) == 0) {
        const char *texts[] = {worker.id,    worker.host,  worker.version, worker.process,
                               worker.state, worker.alarm, worker.note};
        MUST(size <= LIMIT_RECORD_BYTES && strcmp(worker.id, "id") == 0);
        for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
            check_text(texts[i]);
        check_numbers(&worker);
        check_queues(&worker, record);
        check_jobs(&worker, record);
    } else {
        MUST(memcmp(&worker, &untouched, sizeof worker) == 0);
    }
    arena_fini(&arena);
    return 0;
}
