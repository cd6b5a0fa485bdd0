/* SPDX-License-Identifier: MIT */
/* leat counter get | ls | top | rm: the counts that increments have made. They live in
 * one hash per queue; Redis is never asked for the whole of it at once. */
#include "base/text.h"
#include "base/top.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, PRINT_BYTES = 64 * 1024, TOP_MAX = 10000 };

struct counter_options {
    struct common_options common;
    const char *queue;
    int all, yes;
    struct opt_list words;
};

#define AT(member) offsetof(struct counter_options, member)

static const struct opt rows[] = {
    {"queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0,
     "The queue that the counters belong to"},
    /* of rm only: */
    {"all", 0, OPT_FLAG, AT(all), NULL, NULL, 0, 0, "All counters of the queue"},
    {"yes", 0, OPT_FLAG, AT(yes), NULL, NULL, 0, 0, "Do not ask"},
};

enum { ROWS_TO_READ = 1, ROWS_TO_REMOVE = 3 };

static const struct table_column columns[] = {
    {"COUNTER", "name", TABLE_TEXT},
    {"VALUE", "value", TABLE_INT},
};

#define NAMES_ABOUT                                                                      \
    "\vWithout a terminal each line is a name, a tab and a value. A name with control "  \
    "characters in it is then written with those and with % as %XX; --json keeps every " \
    "name as it is."

/* What a verb works with. */
struct counters {
    struct counter_options options;
    struct client client;
    struct queue queue;
    struct err err;
};

static int counters_open(struct counters *counters, int argc, char **argv,
                         struct opt_spec spec)
{
    *counters = (struct counters){0};
    spec.rows = rows;
    spec.words_offset = AT(words);
    opt_parse(&spec, argc, argv, &counters->options);
    return verb_open(&counters->client, &spec, &counters->options.common,
                     &counters->queue, counters->options.queue, &counters->err);
}

/* Release what counters_open() took. Returns the exit status. */
static int counters_close(struct counters *counters, int code)
{
    client_close(&counters->client);
    return code == LEAT_OK ? 0 : command_fail(&counters->err);
}

/* ---- get --------------------------------------------------------------------------- */

/* A counter that was never incremented is 0, as one that is. */
static void print_value(const struct counters *counters, struct bytes name,
                        struct bytes value)
{
    struct buf out = {0};
    struct table table;
    value = value.len > 0 ? value : bytes_of("0");
    if (counters->options.common.json) {
        table_open(&table, TABLE_JSON, columns, 2, &out);
        table_text(&table, name);
        table_text(&table, value);
        table_close(&table);
    } else {
        table_plain(&out, value);
        buf_addc(&out, '\n');
    }
    verb_print(&out);
    buf_fini(&out);
}

static int run_get(int argc, char **argv)
{
    struct counters counters;
    const struct redisReply *reply;
    const struct opt_spec spec = {
        COMMAND_READS,

        .usage = "NAME",
        .about = "Print the value of a counter; 0 when nothing was counted.",
        .row_count = ROWS_TO_READ,
        .words_min = 1,
        .words_max = 1,
    };
    int code = counters_open(&counters, argc, argv, spec);
    if (code == LEAT_OK) {
        const char *name = counters.options.words.at[0];
        cmd_set(&counters.client.cmd, "HGET", counters.queue.counters, name, NULL);
        code = client_call(&counters.client, &reply, &counters.err);
        if (code == LEAT_OK)
            print_value(&counters, bytes_of(name), reply_bytes(reply));
    }
    return counters_close(&counters, code);
}

/* ---- walking ----------------------------------------------------------------------- */

typedef void (*counter_fn)(void *arg, struct bytes name, struct bytes value);

/* Call `fn` for each counter, page by page. A counter may come twice when the hash is
 * rehashed meanwhile. */
static int walk(struct counters *counters, counter_fn fn, void *arg)
{
    struct client *client = &counters->client;
    char cursor[32] = "0";
    do {
        const struct redisReply *reply;
        cmd_set(&client->cmd, "HSCAN", counters->queue.counters, cursor, "COUNT", NULL);
        cmd_add_int(&client->cmd, PAGE);
        int code = client_call(client, &reply, &counters->err);
        if (code != LEAT_OK)
            return code;
        const struct redisReply *page = reply_at(reply, 1);
        for (size_t i = 0; i + 1 < reply_count(page); i += 2)
            fn(arg, reply_bytes(reply_at(page, i)), reply_bytes(reply_at(page, i + 1)));
        snprintf(cursor, sizeof cursor, "%.20s", reply_bytes(reply_at(reply, 0)).at);
    } while (strcmp(cursor, "0") != 0);
    return LEAT_OK;
}

/* ---- ls ---------------------------------------------------------------------------- */

struct counter {
    struct bytes name, value;
};

struct counter_list {
    struct arena arena;
    struct counter *at;
    size_t count, size;
};

static struct bytes keep(struct arena *arena, struct bytes text)
{
    return (struct bytes){arena_dup(arena, text), text.len};
}

static void list_add(void *arg, struct bytes name, struct bytes value)
{
    struct counter_list *list = arg;
    if (list->count == list->size) {
        list->size = list->size > 0 ? 2 * list->size : PAGE;
        list->at = xrealloc(list->at, list->size * sizeof *list->at);
    }
    list->at[list->count++] =
        (struct counter){keep(&list->arena, name), keep(&list->arena, value)};
}

static int by_name(const void *a, const void *b)
{
    struct bytes x = ((const struct counter *)a)->name,
                 y = ((const struct counter *)b)->name;
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* Print in the order of the names, which brings those that came twice together. */
static void list_print(struct counter_list *list, enum table_mode mode)
{
    struct buf out = {0};
    struct table table;
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_name);
    table_open(&table, mode, columns, 2, &out);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && bytes_equal(list->at[i].name, list->at[i - 1].name))
            continue;
        table_text(&table, list->at[i].name);
        table_text(&table, list->at[i].value);
        if (out.len > PRINT_BYTES)
            verb_print(&out);
    }
    table_close(&table);
    verb_print(&out);
    buf_fini(&out);
}

static int run_ls(int argc, char **argv)
{
    struct counters counters;
    struct counter_list list = {0};
    const struct opt_spec spec = {
        COMMAND_READS,

        .about = "List all counters of a queue, ordered by name." NAMES_ABOUT,
        .row_count = ROWS_TO_READ,
    };
    int code = counters_open(&counters, argc, argv, spec);
    if (code == LEAT_OK)
        code = walk(&counters, list_add, &list);
    if (code == LEAT_OK)
        list_print(&list, verb_mode(&counters.options.common));
    arena_fini(&list.arena);
    free(list.at);
    return counters_close(&counters, code);
}

/* ---- top --------------------------------------------------------------------------- */

static void top_add(void *arg, struct bytes name, struct bytes value)
{
    int64_t number = INT64_MIN; /* what is no number comes last */
    text_to_int(value, &number);
    top_offer(arg, name, number, value);
}

static void top_print(const struct top *top, enum table_mode mode)
{
    struct buf out = {0};
    struct table table;
    table_open(&table, mode, columns, 2, &out);
    for (size_t i = 0; i < top->count; i++) {
        table_text(&table, top->at[i].name);
        table_text(&table, top->at[i].text);
    }
    table_close(&table);
    verb_print(&out);
    buf_fini(&out);
}

static int read_wanted(struct counters *counters, size_t *out)
{
    int64_t wanted = 10;
    const struct opt_list *words = &counters->options.words;
    if (words->count > 0 && (text_to_int(bytes_of(words->at[0]), &wanted) != 0 ||
                             wanted < 1 || wanted > TOP_MAX))
        return err_set(&counters->err, LEAT_EUSAGE, "top needs a number from 1 to %d",
                       TOP_MAX);
    *out = (size_t)wanted;
    return LEAT_OK;
}

static int run_top(int argc, char **argv)
{
    struct counters counters;
    struct top top = {0};
    const struct opt_spec spec = {
        COMMAND_READS,

        .usage = "[N]",
        .about = "List the N largest counters (10), largest first." NAMES_ABOUT,
        .row_count = ROWS_TO_READ,
        .words_max = 1,
    };
    int code = counters_open(&counters, argc, argv, spec);
    if (code == LEAT_OK)
        code = read_wanted(&counters, &top.wanted);
    if (code == LEAT_OK)
        code = walk(&counters, top_add, &top);
    if (code == LEAT_OK)
        top_print(&top, verb_mode(&counters.options.common));
    top_fini(&top);
    return counters_close(&counters, code);
}

/* ---- rm ---------------------------------------------------------------------------- */

static int remove_all(struct counters *counters)
{
    struct client *client = &counters->client;
    const struct redisReply *reply;
    cmd_set(&client->cmd, "HLEN", counters->queue.counters, NULL);
    int code = client_call(client, &reply, &counters->err);
    if (code != LEAT_OK)
        return code;
    int64_t count = reply_int(reply, 0);
    if (count == 0)
        return LEAT_OK;
    code = verb_confirm(counters->options.yes, count, "counters", &counters->err);
    if (code != LEAT_OK)
        return code;
    cmd_set(&client->cmd, "UNLINK", counters->queue.counters, NULL);
    code = client_call(client, &reply, &counters->err);
    if (code == LEAT_OK)
        fprintf(stderr, "leat: removed %lld counters\n", (long long)count);
    return code;
}

static int remove_named(struct counters *counters)
{
    const struct opt_list *names = &counters->options.words;
    for (size_t i = 0; i < names->count; i++) {
        const struct redisReply *reply;
        cmd_set(&counters->client.cmd, "HDEL", counters->queue.counters, names->at[i],
                NULL);
        int code = client_call(&counters->client, &reply, &counters->err);
        if (code != LEAT_OK)
            return code;
        if (reply_int(reply, 0) == 0)
            err_set(&counters->err, LEAT_ENO, "no counter '%s' in the queue %s",
                    names->at[i], counters->queue.name);
    }
    return counters->err.code;
}

static int run_rm(int argc, char **argv)
{
    struct counters counters;
    const struct opt_spec spec = {
        COMMAND_SHARES,

        .usage = "NAME...\n--all",
        .about = "Remove counters, so that they start from 0 again.\v"
                 "Exit status 1: a counter was not there; the others are removed.",
        .row_count = ROWS_TO_REMOVE,
        .words_max = OPT_LIST_MAX,
    };
    int code = counters_open(&counters, argc, argv, spec);
    if (code == LEAT_OK &&
        (counters.options.words.count > 0) == (counters.options.all != 0))
        code = err_set(&counters.err, LEAT_EUSAGE,
                       "name the counters to remove, or say --all");
    if (code == LEAT_OK)
        code = counters.options.all ? remove_all(&counters) : remove_named(&counters);
    return counters_close(&counters, code);
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"get", "Print one counter", run_get},
        {"ls", "List all counters", run_ls},
        {"top", "List the largest counters", run_top},
        {"rm", "Remove counters", run_rm},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_counter = {"counter", "Read and remove counters", run};
