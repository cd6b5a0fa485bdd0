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
    {"IID", "iid", TABLE_TEXT},      {"ID", "id", TABLE_TEXT},
    {"FAILED", "at_ms", TABLE_TIME}, {"OUTCOME", "outcome", TABLE_TEXT},
    {"TYPE", "type", TABLE_TEXT},    {"FAILS", "fails", TABLE_INT},
    {"ERROR", "error", TABLE_TEXT},  {"", "stdout", TABLE_MORE},
    {"", "stderr", TABLE_MORE},
};

static const struct table_column due_columns[] = {
    {"ID", "id", TABLE_TEXT},
    {"IID", "iid", TABLE_TEXT},
    {"DUE", "due_ms", TABLE_TIME},
    {"TYPE", "type", TABLE_TEXT},
    {"DELIVERIES", "deliveries", TABLE_INT},
    {"FAILS", "fails", TABLE_INT},
    {"ERROR", "error", TABLE_TEXT},
};

static const struct table_column ready_columns[] = {
    {"ID", "id", TABLE_TEXT},      {"IID", "iid", TABLE_TEXT},
    {"TYPE", "type", TABLE_TEXT},  {"DELIVERIES", "deliveries", TABLE_INT},
    {"FAILS", "fails", TABLE_INT}, {"ERROR", "error", TABLE_TEXT},
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

static int add_dead(struct table *table, struct bytes raw, int64_t died_ms)
{
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
    return 1;
}

static int add_bad(struct table *table, struct bytes raw, int64_t at_ms)
{
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
    return 1;
}

static int add_failed(struct table *table, struct bytes raw, int64_t at_ms)
{
    struct failure failure;
    struct arena arena = {0};
    struct bytes type, id;
    (void)at_ms; /* a list has no scores */
    if (failure_read(&failure, raw) != 0)
        return 0;
    failure_name(&failure, &arena, &type, &id);
    table_text(table, failure.entry.iid);
    table_text(table, id);
    table_number(table, failure.at_ms);
    table_text(table, bytes_of(failure.is_death ? "dead" : "retry"));
    table_text(table, type);
    table_number(table, failure.entry.fails);
    add_error(table, failure.entry.error);
    table_text(table, failure.out);
    table_text(table, failure.err);
    arena_fini(&arena);
    return 1;
}

enum { NOT_DUE = -1 };

enum history { HISTORY_NONE, HISTORY_FAILED, HISTORY_ANY };

static int add_waiting(struct table *table, struct bytes raw, int64_t due_ms,
                       enum history wanted)
{
    const struct resting resting = {.raw = raw};
    struct resting_view view;
    struct arena arena = {0};
    resting_read(&view, &resting, &arena);
    enum history history = view.entry.fails > 0 ? HISTORY_FAILED : HISTORY_NONE;
    int is_meant = wanted == HISTORY_ANY || wanted == history;
    if (is_meant) {
        table_text(table, view.job.id);
        table_text(table, view.entry.iid);
        if (due_ms != NOT_DUE)
            table_number(table, due_ms);
        table_text(table, view.job.type);
        table_number(table, view.entry.deliveries);
        table_number(table, view.entry.fails);
        add_error(table, view.entry.error);
    }
    arena_fini(&arena);
    return is_meant;
}

static int add_scheduled(struct table *table, struct bytes raw, int64_t due_ms)
{
    return add_waiting(table, raw, due_ms, HISTORY_NONE);
}

static int add_retrying(struct table *table, struct bytes raw, int64_t due_ms)
{
    return add_waiting(table, raw, due_ms, HISTORY_FAILED);
}

static int add_ready(struct table *table, struct bytes raw, int64_t at_ms)
{
    (void)at_ms; /* a list has no scores */
    return add_waiting(table, raw, NOT_DUE, HISTORY_ANY);
}

#define COLUMNS(table) (table), sizeof(table) / sizeof *(table)

static const struct state {
    const char *name;
    enum walk_source source;
    const struct table_column *columns;
    int column_count;
    /* Returns 1, or 0 if the entry is none of that state. */
    int (*add)(struct table *table, struct bytes raw, int64_t at_ms);
} states[] = {
    {"dead", WALK_DEAD, COLUMNS(dead_columns), add_dead},
    {"bad", WALK_BAD, COLUMNS(bad_columns), add_bad},
    {"failed", WALK_FAILED, COLUMNS(failed_columns), add_failed},
    {"scheduled", WALK_SCHEDULED, COLUMNS(due_columns), add_scheduled},
    {"retrying", WALK_SCHEDULED, COLUMNS(due_columns), add_retrying},
    {"ready", WALK_READY, COLUMNS(ready_columns), add_ready},
};

static const struct state *state_find(const char *name)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].name, name) == 0)
            return &states[i];
    return NULL;
}

struct listing {
    const struct state *state;
    struct table table;
    int64_t left;
};

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct listing *listing = arg;
    listing->left -= listing->state->add(&listing->table, raw, at_ms);
    return listing->left == 0;
}

int job_list(struct client *client, const struct queue *queue, const char *state_name,
             int64_t max, enum table_mode mode, struct err *err)
{
    struct buf out = {0};
    struct listing listing = {.state = state_find(state_name), .left = max};
    if (listing.state == NULL)
        return err_set(err, LEAT_EUSAGE,
                       "--state is one of " JOB_LIST_STATES ", not '%.40s'", state_name);
    table_open(&listing.table, mode, listing.state->columns, listing.state->column_count,
               &out);
    int code = await_walk(client, queue, listing.state->source, AWAIT_LOOK_MAX, on_entry,
                          &listing, err);
    table_close(&listing.table);
    verb_print(&out);
    buf_fini(&out);
    return code;
}
