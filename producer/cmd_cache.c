/* SPDX-License-Identifier: MIT */
/* leat cache get | ls | rm: the copies that refreshes keep. */
#include "base/text.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, LIST_MAX = 100000 };

struct cache_options {
    struct common_options common;
    const char *queue;
    int64_t limit;
    struct opt_list words;
};

#define AT(member) offsetof(struct cache_options, member)
#define ROW_QUEUE                                                                        \
    {                                                                                    \
        "queue", 'q', OPT_TEXT, AT(queue), "QUEUE", "default", 0, 0,                     \
            "The queue that the copies belong to"                                        \
    }

static const struct opt rows[] = {ROW_QUEUE};
static const struct opt ls_rows[] = {
    ROW_QUEUE,
    {"limit", 0, OPT_INT, AT(limit), "N", "10000", 1, LIST_MAX, "How many at most"},
};

/* What a verb works with. */
struct cache {
    struct cache_options options;
    struct client client;
    struct queue queue;
    struct bytes prefix; /* of all keys of copies */
    struct arena arena;
    struct err err;
};

static struct bytes key_of(struct cache *cache, const char *name)
{
    return queue_cache_key(&cache->queue, bytes_of(name), &cache->arena);
}

static int cache_open(struct cache *cache, int argc, char **argv, struct opt_spec spec)
{
    *cache = (struct cache){0};
    spec.words_offset = AT(words);
    opt_parse(&spec, argc, argv, &cache->options);
    int code = verb_open(&cache->client, &spec, &cache->options.common, &cache->queue,
                         cache->options.queue, &cache->err);
    if (code == LEAT_OK)
        cache->prefix = key_of(cache, "");
    return code;
}

/* Release what cache_open() took. Returns the exit status. */
static int cache_close(struct cache *cache, int code)
{
    client_close(&cache->client);
    arena_fini(&cache->arena);
    return code == LEAT_OK ? 0 : command_fail(&cache->err);
}

/* Send what was put together, and wait. */
static int ask(struct cache *cache, const struct redisReply **reply)
{
    return client_call(&cache->client, reply, &cache->err);
}

/* Milliseconds of Redis TIME: the clock that copies are dated by. */
static int ask_now(struct cache *cache, int64_t *now_ms)
{
    const struct redisReply *reply;
    cmd_set(&cache->client.cmd, "TIME", NULL);
    int code = ask(cache, &reply);
    if (code == LEAT_OK)
        *now_ms = reply_int(reply_at(reply, 0), 0) * 1000 +
                  reply_int(reply_at(reply, 1), 0) / 1000;
    return code;
}

/* ---- get --------------------------------------------------------------------------- */

/* All but the body, in the order in which they are asked for. */
enum { TYPE, ETAG, LAST_MODIFIED, STATUS, FETCHED, FRESH, FIELD_COUNT };

static const struct table_column copy_columns[] = {
    {"", "key", TABLE_TEXT},           {"", "size", TABLE_INT},
    {"", "type", TABLE_TEXT},          {"", "etag", TABLE_TEXT},
    {"", "last_modified", TABLE_TEXT}, {"", "status", TABLE_INT},
    {"", "fetched_ms", TABLE_INT},     {"", "fresh_until_ms", TABLE_INT},
    {"", "age_ms", TABLE_INT},         {"", "state", TABLE_TEXT},
};

static const char *state_at(int64_t fresh_until_ms, int64_t now_ms)
{
    return now_ms < fresh_until_ms ? "fresh" : "stale";
}

static int64_t age_at(int64_t fetched_ms, int64_t now_ms)
{
    return now_ms > fetched_ms ? now_ms - fetched_ms : 0;
}

static int absent(struct cache *cache, const char *name)
{
    return err_set(&cache->err, LEAT_ENO, "no copy of '%s' in the queue %s", name,
                   cache->queue.name);
}

static void print_facts(const char *name, const struct redisReply *facts, int64_t size,
                        int64_t now_ms)
{
    struct buf out = {0};
    struct table table;
    int64_t fetched_ms = reply_int(reply_at(facts, FETCHED), 0);
    int64_t fresh_until_ms = reply_int(reply_at(facts, FRESH), 0);
    table_open(&table, TABLE_JSON, copy_columns, 10, &out);
    table_text(&table, bytes_of(name));
    table_number(&table, size);
    for (size_t i = TYPE; i <= LAST_MODIFIED; i++)
        table_text(&table, reply_bytes(reply_at(facts, i)));
    table_number(&table, reply_int(reply_at(facts, STATUS), 0));
    table_number(&table, fetched_ms);
    table_number(&table, fresh_until_ms);
    table_number(&table, age_at(fetched_ms, now_ms));
    table_text(&table, bytes_of(state_at(fresh_until_ms, now_ms)));
    table_close(&table);
    verb_print(&out);
    buf_fini(&out);
}

static int get_facts(struct cache *cache, const char *name)
{
    const struct redisReply *reply;
    struct cmd *cmd = &cache->client.cmd;
    struct bytes key = key_of(cache, name);
    int64_t now_ms;
    int code = ask_now(cache, &now_ms);
    if (code != LEAT_OK)
        return code;
    cmd_set(cmd, "HSTRLEN", NULL);
    cmd_add(cmd, key);
    cmd_adds(cmd, "body");
    code = ask(cache, &reply);
    if (code != LEAT_OK)
        return code;
    int64_t size = reply_int(reply, 0);
    cmd_set(cmd, "HMGET", NULL);
    cmd_add(cmd, key);
    static const char *const fields[FIELD_COUNT] = {"type",   "etag",    "lm",
                                                    "status", "fetched", "fresh"};
    for (int i = 0; i < FIELD_COUNT; i++)
        cmd_adds(cmd, fields[i]);
    code = ask(cache, &reply);
    if (code != LEAT_OK)
        return code;
    if (reply_is_nil(reply_at(reply, FETCHED)))
        return absent(cache, name);
    print_facts(name, reply, size, now_ms);
    return LEAT_OK;
}

static int get_body(struct cache *cache, const char *name)
{
    const struct redisReply *reply;
    cmd_set(&cache->client.cmd, "HGET", NULL);
    cmd_add(&cache->client.cmd, key_of(cache, name));
    cmd_adds(&cache->client.cmd, "body");
    int code = ask(cache, &reply);
    if (code != LEAT_OK)
        return code;
    if (reply_is_nil(reply))
        return absent(cache, name);
    struct bytes body = reply_bytes(reply);
    fwrite(body.at, 1, body.len, stdout);
    return LEAT_OK;
}

static int run_get(int argc, char **argv)
{
    struct cache cache;
    const struct opt_spec spec = {
        COMMAND_READS,

        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
        .usage = "KEY",
        .about =
            "Write the body of a cached copy, byte for byte; --json tells about it "
            "instead.\v"
            "Exit status 1: there is no copy. The key of a refresh is its url, unless "
            "it was pushed with another.",
        .words_min = 1,
        .words_max = 1,
    };
    int code = cache_open(&cache, argc, argv, spec);
    if (code == LEAT_OK)
        code = cache.options.common.json ? get_facts(&cache, cache.options.words.at[0])
                                         : get_body(&cache, cache.options.words.at[0]);
    return cache_close(&cache, code);
}

/* ---- ls ---------------------------------------------------------------------------- */

struct key_list {
    struct bytes *at; /* whole keys, in the arena */
    size_t count, size;
};

/* A pattern that matches this prefix and nothing else in front. */
static const char *pattern_of(struct arena *arena, struct bytes prefix)
{
    struct buf pattern = {0};
    text_glob_escape(&pattern, prefix);
    buf_addc(&pattern, '*');
    const char *text = arena_dup(arena, buf_bytes(&pattern));
    buf_fini(&pattern);
    return text;
}

static void key_list_add(struct key_list *list, struct bytes key)
{
    if (list->count == list->size) {
        list->size = list->size > 0 ? 2 * list->size : PAGE;
        list->at = xrealloc(list->at, list->size * sizeof *list->at);
    }
    list->at[list->count++] = key;
}

static int by_key(const void *a, const void *b)
{
    const struct bytes *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Order by key; what a rehash showed twice stays once. */
static void key_list_order(struct key_list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_key);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || !bytes_equal(list->at[i], list->at[kept - 1]))
            list->at[kept++] = list->at[i];
    list->count = kept;
}

static int scan(struct cache *cache, struct key_list *list)
{
    struct cmd *cmd = &cache->client.cmd;
    const char *pattern = pattern_of(&cache->arena, cache->prefix);
    char cursor[32] = "0";
    do {
        const struct redisReply *reply;
        cmd_set(cmd, "SCAN", cursor, "MATCH", pattern, "COUNT", NULL);
        cmd_add_int(cmd, PAGE);
        int code = ask(cache, &reply);
        if (code != LEAT_OK)
            return code;
        const struct redisReply *page = reply_at(reply, 1);
        for (size_t i = 0; i < reply_count(page); i++) {
            struct bytes key = reply_bytes(reply_at(page, i));
            key_list_add(list, (struct bytes){arena_dup(&cache->arena, key), key.len});
        }
        snprintf(cursor, sizeof cursor, "%.20s", reply_bytes(reply_at(reply, 0)).at);
    } while (strcmp(cursor, "0") != 0 && list->count < (size_t)cache->options.limit);
    if (list->count > (size_t)cache->options.limit || strcmp(cursor, "0") != 0)
        fprintf(stderr, "leat: there are more; --limit N shows up to %d\n", LIST_MAX);
    key_list_order(list);
    if (list->count > (size_t)cache->options.limit)
        list->count = (size_t)cache->options.limit;
    return LEAT_OK;
}

static const struct table_column ls_columns[] = {
    {"KEY", "key", TABLE_TEXT},      {"SIZE", "size", TABLE_INT},
    {"AGE", "age_ms", TABLE_SPAN},   {"STATE", "state", TABLE_TEXT},
    {"HITS", "hits", TABLE_INT},     {"STALE", "stale", TABLE_INT},
    {"MISSES", "misses", TABLE_INT},
};
/* From FIRST_COUNT on a column is a field of the copy, of the same name. */
enum { FIRST_COUNT = 4, LS_COLUMNS = sizeof ls_columns / sizeof *ls_columns };

/* A copy that has gone since the scan is left out. */
static int add_row(struct cache *cache, struct table *table, struct bytes key,
                   int64_t now_ms)
{
    const struct redisReply *reply;
    struct cmd *cmd = &cache->client.cmd;
    cmd_set(cmd, "HSTRLEN", NULL);
    cmd_add(cmd, key);
    cmd_adds(cmd, "body");
    int code = ask(cache, &reply);
    if (code != LEAT_OK)
        return code;
    int64_t size = reply_int(reply, 0);
    cmd_set(cmd, "HMGET", NULL);
    cmd_add(cmd, key);
    cmd_adds(cmd, "fetched");
    cmd_adds(cmd, "fresh");
    for (int i = FIRST_COUNT; i < LS_COLUMNS; i++)
        cmd_adds(cmd, ls_columns[i].key);
    code = ask(cache, &reply);
    if (code != LEAT_OK || reply_is_nil(reply_at(reply, 0)))
        return code;
    size_t skip = cache->prefix.len;
    table_text(table, (struct bytes){key.at + skip, key.len - skip});
    table_number(table, size);
    table_number(table, age_at(reply_int(reply_at(reply, 0), 0), now_ms));
    table_text(table, bytes_of(state_at(reply_int(reply_at(reply, 1), 0), now_ms)));
    for (int i = FIRST_COUNT; i < LS_COLUMNS; i++)
        table_number(table, reply_int(reply_at(reply, 2 + (size_t)(i - FIRST_COUNT)), 0));
    return LEAT_OK;
}

static int list_copies(struct cache *cache, const struct key_list *list)
{
    struct buf out = {0};
    struct table table;
    int64_t now_ms = 0;
    int code = ask_now(cache, &now_ms);
    table_open(&table, verb_mode(&cache->options.common), ls_columns, LS_COLUMNS, &out);
    for (size_t i = 0; i < list->count && code == LEAT_OK; i++)
        code = add_row(cache, &table, list->at[i], now_ms);
    table_close(&table);
    verb_print(&out);
    buf_fini(&out);
    return code;
}

static int run_ls(int argc, char **argv)
{
    struct cache cache;
    struct key_list list = {0};
    const struct opt_spec spec = {
        COMMAND_READS,

        .rows = ls_rows,
        .row_count = sizeof ls_rows / sizeof *ls_rows,
        .about = "List the cached copies of a queue.\v"
                 "This walks through all keys of the Redis, in small steps.",
    };
    int code = cache_open(&cache, argc, argv, spec);
    if (code == LEAT_OK)
        code = scan(&cache, &list);
    if (code == LEAT_OK)
        code = list_copies(&cache, &list);
    free(list.at);
    return cache_close(&cache, code);
}

/* ---- rm ---------------------------------------------------------------------------- */

static int run_rm(int argc, char **argv)
{
    struct cache cache;
    const struct redisReply *reply;
    const struct opt_spec spec = {
        COMMAND_SHARES,

        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
        .usage = "KEY...",
        .about = "Remove cached copies.\v"
                 "Exit status 1: a copy was not there; the others are removed.",
        .words_min = 1,
        .words_max = OPT_LIST_MAX,
    };
    int code = cache_open(&cache, argc, argv, spec);
    for (size_t i = 0; i < cache.options.words.count; i++) {
        if (code != LEAT_OK && code != LEAT_ENO)
            break;
        const char *name = cache.options.words.at[i];
        cmd_set(&cache.client.cmd, "UNLINK", NULL);
        cmd_add(&cache.client.cmd, key_of(&cache, name));
        int failed = ask(&cache, &reply);
        if (failed == LEAT_OK && reply_int(reply, 0) == 0)
            failed = absent(&cache, name);
        code = failed != LEAT_OK ? failed : code;
    }
    return cache_close(&cache, code);
}

static int run(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"get", "Write a copy's body", run_get},
        {"ls", "List the copies", run_ls},
        {"rm", "Remove copies", run_rm},
    };
    return verb_run(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}

const struct command cmd_cache = {"cache", "Read and remove cached copies", run};
