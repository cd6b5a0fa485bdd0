/* SPDX-License-Identifier: MIT */
#include "broker/worker_record.h"
#include "schema/fields.h"

#include <string.h>

enum { TEXT_BYTES = 512 };

struct record {
    struct bytes host, version, state, alarm, queues;
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
    TEXT(state),
    TEXT(alarm),
    {"queues", FIELD_ARRAY, offsetof(struct record, queues), 0, 0, 1, NULL},
    NUMBER(pid),
    NUMBER(slots),
    NUMBER(busy),
    NUMBER(held),
    NUMBER(done),
    NUMBER(failed),
    NUMBER(started_ms),
    {"seen_ms", FIELD_INT, offsetof(struct record, numbers.seen_ms), 0, INT64_MAX, 1,
     NULL},
};

/* Step over the next string of an array of strings. Names of queues need no escapes, so the
 * quotes are its ends. Returns 0 when none is left. */
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

int worker_record_read(struct overview_worker *worker, struct bytes id,
                       struct bytes record, struct arena *arena)
{
    struct members members;
    struct record read = {0};
    if (record.len > WORKER_RECORD_BYTES || id.len > TEXT_BYTES ||
        members_read(&members, record, NULL) != LEAT_OK ||
        fields_read(rows, sizeof rows / sizeof *rows, &members, arena, &read, NULL) !=
            LEAT_OK)
        return -1;
    *worker = read.numbers;
    worker->id = arena_dup(arena, id);
    worker->host = arena_dup(arena, read.host);
    worker->version = arena_dup(arena, read.version);
    worker->state = arena_dup(arena, read.state);
    worker->alarm = arena_dup(arena, read.alarm);
    read_queues(worker, read.queues, arena);
    return 0;
}
