/* SPDX-License-Identifier: MIT */
#include "job_list.h"
#include "await.h"
#include "base/text.h"
#include "schema/failure.h"

#include <string.h>

enum { GLANCE_BYTES = 60 };

static const struct table_column dead_columns[] = {
    {"HANDLE", "handle", TABLE_TEXT}, {"DIED", "died_ms", TABLE_TIME},
    {"TYPE", "type", TABLE_TEXT},     {"DELIVERIES", "deliveries", TABLE_INT},
    {"FAILS", "fails", TABLE_INT},    {"ERROR", "error", TABLE_TEXT},
};

static const struct table_column bad_columns[] = {
    {"HANDLE", "handle", TABLE_TEXT},
    {"SIZE", "size", TABLE_INT},
    {"REASON", "reason", TABLE_TEXT},
    {"BEGINS", "begins", TABLE_TEXT},
};

static const struct table_column failed_columns[] = {
    {"IID", "iid", TABLE_TEXT},         {"FAILED", "at_ms", TABLE_TIME},
    {"OUTCOME", "outcome", TABLE_TEXT}, {"TYPE", "type", TABLE_TEXT},
    {"FAILS", "fails", TABLE_INT},      {"ERROR", "error", TABLE_TEXT},
};

static void add_handle(struct table *table, const struct resting *resting)
{
    struct buf handle = {0};
    resting_handle(&handle, resting);
    table_text(table, buf_bytes(&handle));
    buf_fini(&handle);
}

static void add_error(struct table *table, struct bytes escaped)
{
    struct buf error = {0};
    entry_decode_error(&error, escaped);
    table_text(table, buf_bytes(&error));
    buf_fini(&error);
}

static int add_dead(void *arg, struct bytes raw, int64_t died_ms)
{
    struct table *table = arg;
    const struct resting resting = {RESTING_DEAD, raw, died_ms};
    struct resting_view view;
    struct arena arena = {0};
    resting_read(&view, &resting, &arena);
    add_handle(table, &resting);
    table_number(table, died_ms);
    table_text(table, view.job.type);
    table_number(table, view.entry.deliveries);
    table_number(table, view.entry.fails);
    add_error(table, view.entry.error);
    arena_fini(&arena);
    return 0;
}

static int add_bad(void *arg, struct bytes raw, int64_t at_ms)
{
    struct table *table = arg;
    const struct resting resting = {RESTING_BAD, raw, at_ms};
    struct resting_view view;
    struct arena arena = {0};
    struct buf begins = {0};
    resting_read(&view, &resting, &arena);
    text_printable(&begins, raw, GLANCE_BYTES);
    add_handle(table, &resting);
    table_number(table, (int64_t)raw.len);
    table_text(table, bytes_of(view.err.text));
    table_text(table, buf_bytes(&begins));
    buf_fini(&begins);
    arena_fini(&arena);
    return 0;
}

static int add_failed(void *arg, struct bytes raw, int64_t at_ms)
{
    struct table *table = arg;
    struct failure failure;
    struct arena arena = {0};
    struct bytes type, id;
    (void)at_ms; /* a list has no scores */
    if (failure_read(&failure, raw) != 0)
        return 0;
    failure_name(&failure, &arena, &type, &id);
    table_text(table, failure.entry.iid);
    table_number(table, failure.at_ms);
    table_text(table, bytes_of(failure.is_death ? "dead" : "retry"));
    table_text(table, type);
    table_number(table, failure.entry.fails);
    add_error(table, failure.entry.error);
    arena_fini(&arena);
    return 0;
}

static const struct state {
    const char *name;
    enum walk_source source;
    const struct table_column *columns;
    int column_count;
    walk_entry_fn add;
} states[] = {
    {"dead", WALK_DEAD, dead_columns, 6, add_dead},
    {"bad", WALK_BAD, bad_columns, 4, add_bad},
    {"failed", WALK_FAILED, failed_columns, 6, add_failed},
};

static const struct state *state_find(const char *name)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].name, name) == 0)
            return &states[i];
    return NULL;
}

int job_list(struct client *client, const struct queue *queue, const char *state_name,
             int64_t max, enum table_mode mode, struct err *err)
{
    struct buf out = {0};
    struct table table;
    const struct state *state = state_find(state_name);
    if (state == NULL)
        return err_set(err, LEAT_EUSAGE,
                       "--state is 'dead', 'bad' or 'failed', not '%.40s'", state_name);
    table_open(&table, mode, state->columns, state->column_count, &out);
    int code = await_walk(client, queue, state->source, max, state->add, &table, err);
    table_close(&table);
    verb_print(&out);
    buf_fini(&out);
    return code;
}
