/* SPDX-License-Identifier: MIT */
/* leat fsck: does what is kept in Redis fit together? */
#include "broker/fsck.h"
#include "look.h"

#include <stdio.h>

struct fsck_options {
    struct common_options common;
    struct opt_list queues;
};

static const struct opt rows[] = {
    {"queue", 'q', OPT_LIST, offsetof(struct fsck_options, queues), "QUEUE", NULL, 0, 0,
     "Check only this queue; may be repeated (default: all that are known)"},
};

static const char *const level_names[] = {
    [FSCK_OK] = "ok", [FSCK_WARN] = "warn", [FSCK_FAIL] = "FAIL"};

/* As a list for people each line is `FAIL default lease: finding`, on a terminal or
 * not. */
static const struct table_column columns[] = {
    {"", "level", TABLE_TEXT},
    {"", "queue", TABLE_TEXT},
    {"", "check", TABLE_TEXT},
    {"", "finding", TABLE_TEXT},
};

struct check {
    struct client client;
    struct table table;
    struct buf out;
    int failed;
};

static void say(void *arg, enum fsck_level level, const char *queue, const char *name,
                const char *text)
{
    struct check *check = arg;
    check->failed |= level == FSCK_FAIL;
    if (check->table.mode == TABLE_JSON) {
        table_text(&check->table, bytes_of(level_names[level]));
        table_text(&check->table, bytes_of(queue));
        table_text(&check->table, bytes_of(name));
        table_text(&check->table, bytes_of(text));
    } else {
        buf_addf(&check->out, "%-4s %s %s: %s\n", level_names[level], queue, name, text);
    }
    verb_print(&check->out);
    fflush(stdout);
}

/* All names before the first look: a wrong one is a mistake in the command. */
static int check_listed(struct check *check, const struct opt_list *names,
                        struct err *err)
{
    int code = LEAT_OK;
    struct queue queue;
    for (size_t i = 0; i < names->count && code == LEAT_OK; i++)
        code = queue_init(&queue, names->at[i], err);
    for (size_t i = 0; i < names->count && code == LEAT_OK; i++) {
        queue_init(&queue, names->at[i], NULL);
        code = fsck_queue(&check->client, &queue, say, check, err);
    }
    return code;
}

static int check_known(struct check *check, struct err *err)
{
    struct overview overview = {0};
    struct queue queue;
    int code = look(&check->client, &overview, err);
    for (int i = 0; i < overview.queue_count && code == LEAT_OK; i++) {
        queue_init(&queue, overview.queues[i].name,
                   NULL); /* the overview has no others */
        code = fsck_queue(&check->client, &queue, say, check, err);
    }
    overview_fini(&overview);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .about =
            "Check that what is kept in Redis fits together: leases and their jobs, the "
            "sums of the counts, what waits, what died, flights, counters.\v"
            "Nothing is changed, and Redis is not held up; workers and producers go on "
            "meanwhile.\n"
            "Exit status: 0 nothing fails (there may be warnings), 1 something fails, 69 "
            "Redis is not reachable.",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
        COMMAND_SHARES,
    };
    struct fsck_options options = {0};
    struct check check = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    table_open(&check.table, options.common.json ? TABLE_JSON : TABLE_TABS, columns, 4,
               &check.out);
    int code = command_open(&check.client, &options.common, 0, &err);
    if (code == LEAT_OK)
        code = options.queues.count > 0 ? check_listed(&check, &options.queues, &err)
                                        : check_known(&check, &err);
    table_close(&check.table);
    client_close(&check.client);
    buf_fini(&check.out);
    if (code != LEAT_OK)
        return command_fail(&err);
    return err_exit_status(check.failed ? LEAT_ENO : LEAT_OK);
}

const struct command cmd_fsck = {"fsck", "Check that what is kept fits together", run};
