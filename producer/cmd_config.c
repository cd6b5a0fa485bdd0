/* SPDX-License-Identifier: MIT */
/* leat config check | show: what the configuration files say, and what holds in the
 * end. */
#include "beside.h"
#include "broker/redis_url.h"
#include "config/config.h"
#include "config/options.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config_options {
    struct common_options common;
    struct opt_list words;
    int origin;
};

/* ---- check ------------------------------------------------------------------------- */

/* What handlers name only a worker can judge. `path`: of the file, or NULL. */
static int check_as_worker(const char *path)
{
    struct arena arena = {0};
    struct err err = {0};
    const char *worker = beside_find("worker", &arena, &err);
    char *argv[] = {arena_printf(&arena, "leat worker"),
                    arena_printf(&arena, "--check-config"), NULL, NULL};
    if (path != NULL)
        argv[2] = arena_printf(&arena, "--config=%s", path);
    int status = 0;
    if (worker == NULL)
        fputs("leat: there is no leat-worker here: handlers were not looked at\n",
              stderr);
    else if ((status = beside_run(worker, argv, &err)) < 0)
        status = command_fail(&err);
    arena_fini(&arena);
    return status;
}

static int run_check(int argc, char **argv)
{
    const struct opt_spec spec = {
        .usage = "[FILE]",
        .about =
            "Read the configuration files as the programs do, and say what is wrong "
            "with them. What handlers name, programs say, is looked at by the worker "
            "of this machine (leat worker --check-config), as this user.\v"
            "FILE stands for --config FILE. Exit status: 0 all is well, 78 it is "
            "not.",
        COMMAND_SHARES,
        .words_offset = offsetof(struct config_options, words),
        .words_max = 1,
    };
    struct config_options options = {0};
    struct config file;
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    const char *path =
        options.words.count > 0 ? options.words.at[0] : options.common.config;
    int status = 0;
    if (config_open(&file, path, &err) != LEAT_OK)
        return command_fail(&err);
    if (file.main_file == NULL)
        fputs("leat: no configuration file is asked for\n", stderr);
    else if (file.entries == NULL)
        fprintf(stderr, "leat: %s says nothing\n", file.main_file);
    else
        status = check_as_worker(path);
    config_fini(&file);
    return status;
}

/* ---- show -------------------------------------------------------------------------- */

struct shown {
    struct config file;
    struct table table;
    struct buf out, value, origin;
    int with_origin;
    const char *redis; /* of the command line */
};

static int is_address(const struct opt *row)
{
    return strcmp(row->key, "redis") == 0 || strcmp(row->key, "replica") == 0;
}

/* An address is shown without its password. */
static void write_value(struct buf *out, const struct opt *row, const char *text)
{
    struct redis_url url;
    if (is_address(row))
        text =
            redis_url_parse(&url, text, NULL) == LEAT_OK ? url.shown : "not understood";
    if (out->len > 0)
        buf_adds(out, ", ");
    buf_adds(out, text);
}

static void take_entry(struct shown *shown, const struct config_entry *entry)
{
    for (const struct config_value *it = entry->values; it != NULL; it = it->next)
        write_value(&shown->value, entry->row, it->text);
    buf_addf(&shown->origin, "%s:%d", entry->file, entry->line);
}

/* What the environment says; it names replicas with blanks between them. Returns 0 when
 * it says nothing. */
static int take_environment(struct shown *shown, const struct opt *row)
{
    static const struct {
        const char *key, *variable;
    } variables[] = {
        {"redis", "LEAT_REDIS"}, {"redis", "REDIS_URL"}, {"replica", "LEAT_REPLICA"}};
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *text = getenv(variables[i].variable);
        if (text == NULL || strcmp(row->key, variables[i].key) != 0)
            continue;
        char *rest = arena_dup(&arena, bytes_of(text));
        for (char *word; (word = strtok_r(rest, " \t\n", &rest)) != NULL;)
            write_value(&shown->value, row, word);
        buf_addf(&shown->origin, "environment %s", variables[i].variable);
        arena_fini(&arena);
        return 1;
    }
    return 0;
}

/* What the command line says. Returns 0 when it says nothing. */
static int take_options(struct shown *shown, const struct opt *row)
{
    if (shown->redis == NULL || strcmp(row->key, "redis") != 0)
        return 0;
    write_value(&shown->value, row, shown->redis);
    buf_adds(&shown->origin, "--redis");
    return 1;
}

/* The default of a row whose table has none, since it hangs on something else. */
static const char *default_of(const struct shown *shown, const struct opt *row,
                              const char *title)
{
    struct backoff policy;
    if (strcmp(row->key, "redis") == 0)
        return REDIS_URL_DEFAULT;
    if (strcmp(row->key, "retry.policy") == 0 &&
        config_retry(&shown->file, title, &policy, NULL) == LEAT_OK)
        return policy.kind == BACKOFF_LIST ? "list" : "exponential";
    return row->initial;
}

static void take_default(struct shown *shown, const struct opt *row, const char *title)
{
    const char *text = default_of(shown, row, title);
    if (text != NULL)
        write_value(&shown->value, row, text);
    buf_adds(&shown->origin, "default");
}

/* Write one setting, as a program would take it. */
static void show_setting(struct shown *shown, const struct opt *row, const char *title,
                         const char *name)
{
    const struct config_entry *entry = config_find(&shown->file, row->key, title);
    if (!take_options(shown, row) && !take_environment(shown, row) && entry != NULL)
        take_entry(shown, entry);
    else if (shown->origin.len == 0)
        take_default(shown, row, title);
    table_text(&shown->table, bytes_of(name));
    table_text(&shown->table, buf_bytes(&shown->value));
    if (shown->with_origin)
        table_text(&shown->table, buf_bytes(&shown->origin));
    buf_reset(&shown->value);
    buf_reset(&shown->origin);
}

static void show_rows(struct shown *shown, const struct opt_spec *spec)
{
    for (size_t i = 0; i < spec->row_count; i++)
        if (spec->rows[i].key != NULL)
            show_setting(shown, &spec->rows[i], "", spec->rows[i].key);
}

/* queue.NAME.weight, retry.TYPE.max … */
static void show_titled(struct shown *shown, const char *section, const char *title,
                        const struct opt_spec *spec)
{
    struct buf name = {0};
    for (size_t i = 0; i < spec->row_count; i++) {
        buf_reset(&name);
        buf_addf(&name, "%s.%s.%s", section, title, spec->rows[i].name);
        show_setting(shown, &spec->rows[i], title, buf_text(&name));
    }
    buf_fini(&name);
}

static void show_all_titled(struct shown *shown, const char *section,
                            const struct opt_spec *spec)
{
    const struct config_entry *it = NULL;
    while ((it = config_next_title(&shown->file, section, it)) != NULL)
        show_titled(shown, section, it->title, spec);
}

static void show_all(struct shown *shown)
{
    show_rows(shown, &program_spec);
    show_rows(shown, &reading_spec);
    show_rows(shown, &worker_spec);
    if (config_next_title(&shown->file, "queue", NULL) == NULL)
        show_titled(shown, "queue", "default", &queue_spec);
    show_all_titled(shown, "queue", &queue_spec);
    show_all_titled(shown, "retry", &retry_spec);
    show_all_titled(shown, "handler", &handler_spec);
    show_rows(shown, &dashboard_spec);
}

static int run_show(int argc, char **argv)
{
    static const struct opt rows[] = {
        {"origin", 0, OPT_FLAG, offsetof(struct config_options, origin), NULL, NULL, 0, 0,
         "Also say where each setting comes from"},
    };
    static const struct table_column columns[] = {{"SETTING", "setting", TABLE_TEXT},
                                                  {"VALUE", "value", TABLE_TEXT},
                                                  {"ORIGIN", "origin", TABLE_TEXT}};
    const struct opt_spec spec = {
        .about =
            "Show what the worker and the dashboard would take if their command line "
            "said nothing.\vPasswords are not shown.",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
        COMMAND_SHARES,
        .words_offset = offsetof(struct config_options, words),
    };
    struct config_options options = {0};
    struct shown shown = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    if (config_open(&shown.file, options.common.config, &err) != LEAT_OK)
        return command_fail(&err);
    shown.with_origin = options.origin;
    shown.redis = options.common.redis;
    table_open(&shown.table, verb_mode(&options.common), columns, options.origin ? 3 : 2,
               &shown.out);
    show_all(&shown);
    table_close(&shown.table);
    verb_print(&shown.out);
    config_fini(&shown.file);
    buf_fini(&shown.out);
    buf_fini(&shown.value);
    buf_fini(&shown.origin);
    return 0;
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"check", "Say what is wrong with the configuration files", run_check},
        {"show", "Show what holds, and where it comes from", run_show},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_config = {"config", "Check and show the configuration", run};
