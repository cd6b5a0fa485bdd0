/* SPDX-License-Identifier: MIT */
/* How it goes: TIME, INFO and the first pages of queues and workers leave in one
 * pipeline; further pages follow one another; when the last page of queues is there, all
 * of them are counted in one pipeline, and when the last record is there, what became of
 * the jobs of the lost is asked. `due` says how many answers are still to come, and the
 * one that brings it to 0 ends the gathering. After a failure nothing more is sent. */
#include "broker/overview.h"
#include "broker/alarms.h"
#include "broker/info.h"
#include "broker/script_call.h"
#include "broker/worker_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000 };

static const char default_queue[] = "default";

/* Pointers that are collected before their number is known. */
struct names {
    const char **at;
    int count, size;
    int seen; /* also those that are no names */
};

/* One queue's COUNT on its way. */
struct counting {
    struct overview *overview;
    struct overview_queue *queue;
};

struct overview_gather {
    struct link *link;
    overview_fn fn;
    void *arg;
    struct cmd cmd;
    struct err err;
    int due;
    int default_implied; /* nobody registered the default queue */
    struct names queues;
    struct counting *countings;
    struct {
        struct overview_worker *at;
        int count, size, seen;
    } workers;
};

static int is_untouched(const struct overview_queue *queue)
{
    return overview_waiting(queue) + queue->running + queue->scheduled + queue->retrying +
                   queue->dead + queue->bad + queue->done + queue->failed +
                   queue->bad_total ==
               0 &&
           queue->broken == NULL;
}

static void drop_untouched_default(struct overview *overview)
{
    struct overview_queue *first = overview->queues;
    for (int i = 0; i < overview->queue_count; i++) {
        if (strcmp(first[i].name, default_queue) != 0 || !is_untouched(&first[i]))
            continue;
        memmove(&first[i], &first[i + 1],
                (size_t)(--overview->queue_count - i) * sizeof *first);
        return;
    }
}

/* ---- gathering --------------------------------------------------------------------- */

static void gather_fini(struct overview_gather *gather)
{
    cmd_fini(&gather->cmd);
    free(gather->queues.at);
    free(gather->workers.at);
}

/* The callback may free the overview and with it `gather`. */
static void finish(struct overview *overview)
{
    struct overview_gather gather = *overview->gather;
    if (gather.err.code == LEAT_OK) {
        if (gather.default_implied)
            drop_untouched_default(overview);
        alarms_find(overview);
    }
    gather_fini(&gather);
    overview->gather = NULL;
    gather.fn(gather.arg, overview, gather.err.code != LEAT_OK ? &gather.err : NULL);
}

static void fail(struct overview *overview, int code, const char *text)
{
    err_set(&overview->gather->err, code, "%s", text);
}

/* Send the command that was put together. */
static void ask(struct overview *overview, answer_fn fn, void *arg)
{
    struct overview_gather *gather = overview->gather;
    if (gather->err.code != LEAT_OK)
        return;
    if (link_send(gather->link, &gather->cmd, 0, 0, fn, arg) == LEAT_OK)
        gather->due++;
    else
        fail(overview, LEAT_ELINK, "the connection to Redis was lost");
}

/* An answer was used. */
static void settle(struct overview *overview)
{
    if (--overview->gather->due == 0)
        finish(overview);
}

/* Is there a next page, and room for it? */
static int may_go_on(struct overview *overview, int seen, int max, struct bytes cursor)
{
    if (overview->gather->err.code != LEAT_OK || bytes_is(cursor, "0"))
        return 0;
    if (seen >= max)
        overview->left_out = 1;
    return seen < max;
}

/* ---- server ------------------------------------------------------------------------ */

static void on_time(void *arg, struct answer *answer)
{
    struct overview *overview = arg;
    if (answer->code != LEAT_OK)
        fail(overview, answer->code, answer->text);
    else
        overview->at_ms = reply_int(reply_at(answer->reply, 0), 0) * 1000 +
                          reply_int(reply_at(answer->reply, 1), 0) / 1000;
    settle(overview);
}

static int64_t info_number(struct bytes info, const char *name)
{
    char text[32];
    info_value(info, name, text, sizeof text);
    return strtoll(text, NULL, 10);
}

/* A user who may not ask for INFO still gets the rest. */
static void on_info(void *arg, struct answer *answer)
{
    struct overview *overview = arg;
    struct overview_redis *redis = &overview->redis;
    struct bytes info = reply_bytes(answer->reply);
    info_value(info, "redis_version", redis->version, sizeof redis->version);
    info_value(info, "role", redis->role, sizeof redis->role);
    info_value(info, "maxmemory_policy", redis->policy, sizeof redis->policy);
    redis->used_memory_bytes = info_number(info, "used_memory");
    redis->max_memory_bytes = info_number(info, "maxmemory");
    redis->clients = info_number(info, "connected_clients");
    redis->uptime_s = info_number(info, "uptime_in_seconds");
    redis->aof = info_number(info, "aof_enabled") != 0;
    settle(overview);
}

/* ---- queues ------------------------------------------------------------------------ */

/* Redis appends to an error where in which script it happened. */
static struct bytes without_script(struct bytes text)
{
    const char *at = memmem(text.at, text.len, " script: ", 9);
    return at != NULL ? (struct bytes){text.at, (size_t)(at - text.at)} : text;
}

static void on_count(void *arg, struct answer *answer)
{
    struct counting *counting = arg;
    struct overview *overview = counting->overview;
    int64_t now_ms;
    if (answer->code == LEAT_EFOREIGN)
        counting->queue->broken =
            arena_dup(&overview->arena, without_script(bytes_of(answer->text)));
    else if (answer->code != LEAT_OK)
        fail(overview, answer->code, answer->text);
    else if (overview_read_count(counting->queue, answer->reply, &overview->arena,
                                 &now_ms) != 0)
        fail(overview, LEAT_EBUG, "what the script 'count' answered is not understood");
    settle(overview);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_add(struct names *names, const char *name)
{
    if (names->count == names->size) {
        names->size = names->size > 0 ? 2 * names->size : 16;
        names->at = xrealloc(names->at, (size_t)names->size * sizeof *names->at);
    }
    names->at[names->count++] = name;
}

/* Order by name; what a rehash showed twice stays once. */
static void names_order(struct names *names)
{
    int kept = 0;
    qsort(names->at, (size_t)names->count, sizeof *names->at, by_text);
    for (int i = 0; i < names->count; i++)
        if (kept == 0 || strcmp(names->at[i], names->at[kept - 1]) != 0)
            names->at[kept++] = names->at[i];
    names->count = kept;
}

static int names_has(const struct names *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->at[i], name) == 0)
            return 1;
    return 0;
}

static void count_queues(struct overview *overview)
{
    struct overview_gather *gather = overview->gather;
    struct names *names = &gather->queues;
    gather->default_implied = !names_has(names, default_queue);
    if (gather->default_implied)
        names_add(names, default_queue);
    names_order(names);
    size_t count = (size_t)names->count;
    overview->queues = arena_alloc(&overview->arena, count * sizeof *overview->queues);
    gather->countings = arena_alloc(&overview->arena, count * sizeof *gather->countings);
    for (size_t i = 0; i < count; i++) {
        struct queue keys;
        queue_init(&keys, names->at[i], NULL);
        overview->queues[i] = (struct overview_queue){
            .name = names->at[i], .oldest_age_ms = -1, .next_due_ms = -1};
        gather->countings[i] = (struct counting){overview, &overview->queues[i]};
        script_count(&gather->cmd, &keys, 0);
        ask(overview, on_count, &gather->countings[i]);
    }
    overview->queue_count = names->count;
}

static void add_queue(struct overview *overview, struct bytes text)
{
    struct names *names = &overview->gather->queues;
    char name[LIMIT_QUEUE_NAME_BYTES + 1];
    struct queue keys;
    if (names->seen++ >= OVERVIEW_QUEUES_MAX) {
        overview->left_out = 1;
        return;
    }
    if (text.len >= sizeof name)
        return; /* nobody of ours wrote it */
    snprintf(name, sizeof name, "%.*s", (int)text.len, text.at);
    if (queue_init(&keys, name, NULL) == LEAT_OK)
        names_add(names, arena_dup(&overview->arena, text));
}

static void ask_queues(struct overview *overview, struct bytes cursor);

static void on_queues(void *arg, struct answer *answer)
{
    struct overview *overview = arg;
    const struct names *names = &overview->gather->queues;
    const struct redisReply *page = reply_at(answer->reply, 1);
    struct bytes cursor = reply_bytes(reply_at(answer->reply, 0));
    if (answer->code != LEAT_OK)
        fail(overview, answer->code, answer->text);
    for (size_t i = 0; i < reply_count(page); i++)
        add_queue(overview, reply_bytes(reply_at(page, i)));
    if (may_go_on(overview, names->seen, OVERVIEW_QUEUES_MAX, cursor))
        ask_queues(overview, cursor);
    else
        count_queues(overview);
    settle(overview);
}

static void ask_queues(struct overview *overview, struct bytes cursor)
{
    struct cmd *cmd = &overview->gather->cmd;
    cmd_set(cmd, "SSCAN", QUEUES_KEY, NULL);
    cmd_add(cmd, cursor);
    cmd_adds(cmd, "COUNT");
    cmd_add_int(cmd, PAGE);
    ask(overview, on_queues, overview);
}

/* ---- workers ----------------------------------------------------------------------- */

static void add_worker(struct overview *overview, struct bytes id, struct bytes record)
{
    struct overview_gather *gather = overview->gather;
    if (gather->workers.seen++ >= OVERVIEW_WORKERS_MAX) {
        overview->left_out = 1;
        return;
    }
    if (gather->workers.count == gather->workers.size) {
        gather->workers.size = gather->workers.size > 0 ? 2 * gather->workers.size : 16;
        gather->workers.at = xrealloc(gather->workers.at, (size_t)gather->workers.size *
                                                              sizeof *gather->workers.at);
    }
    if (worker_record_read(&gather->workers.at[gather->workers.count], id, record,
                           &overview->arena) == 0)
        gather->workers.count++;
}

static void on_lost(void *arg, struct answer *answer)
{
    struct overview *overview = arg;
    if (answer->code != LEAT_OK)
        fail(overview, answer->code, answer->text);
    else
        overview_read_lost(overview, answer->reply);
    settle(overview);
}

/* All records are there: what became of the jobs of the lost? */
static void ask_lost(struct overview *overview)
{
    struct overview_gather *gather = overview->gather;
    int lost = 0;
    overview_settle_workers(overview, gather->workers.at, gather->workers.count);
    cmd_set(&gather->cmd, "HMGET", LOST_KEY, NULL);
    for (int i = 0; i < overview->worker_count; i++)
        if (overview->workers[i].lost && ++lost)
            cmd_adds(&gather->cmd, overview->workers[i].id);
    if (lost > 0)
        ask(overview, on_lost, overview);
}

static void ask_workers(struct overview *overview, struct bytes cursor);

static void on_workers(void *arg, struct answer *answer)
{
    struct overview *overview = arg;
    const struct redisReply *page = reply_at(answer->reply, 1);
    struct bytes cursor = reply_bytes(reply_at(answer->reply, 0));
    if (answer->code != LEAT_OK)
        fail(overview, answer->code, answer->text);
    for (size_t i = 0; i + 1 < reply_count(page); i += 2)
        add_worker(overview, reply_bytes(reply_at(page, i)),
                   reply_bytes(reply_at(page, i + 1)));
    if (may_go_on(overview, overview->gather->workers.seen, OVERVIEW_WORKERS_MAX, cursor))
        ask_workers(overview, cursor);
    else
        ask_lost(overview);
    settle(overview);
}

static void ask_workers(struct overview *overview, struct bytes cursor)
{
    struct cmd *cmd = &overview->gather->cmd;
    cmd_set(cmd, "HSCAN", WORKERS_KEY, NULL);
    cmd_add(cmd, cursor);
    cmd_adds(cmd, "COUNT");
    cmd_add_int(cmd, PAGE);
    ask(overview, on_workers, overview);
}

/* ---- life -------------------------------------------------------------------------- */

static void begin(struct overview *overview, struct link *link, overview_fn fn, void *arg)
{
    *overview = (struct overview){0};
    struct overview_gather *gather = arena_alloc(&overview->arena, sizeof *gather);
    *gather = (struct overview_gather){.link = link, .fn = fn, .arg = arg};
    overview->gather = gather;
    cmd_set(&gather->cmd, "TIME", NULL);
    ask(overview, on_time, overview);
    ask_workers(overview, bytes_of("0"));
}

int overview_start(struct overview *overview, struct link *link, overview_fn fn,
                   void *arg)
{
    if (!link_is_up(link))
        return LEAT_ELINK;
    begin(overview, link, fn, arg);
    cmd_set(&overview->gather->cmd, "INFO", NULL);
    ask(overview, on_info, overview);
    ask_queues(overview, bytes_of("0"));
    return LEAT_OK;
}

int overview_start_workers(struct overview *overview, struct link *link, overview_fn fn,
                           void *arg)
{
    if (!link_is_up(link))
        return LEAT_ELINK;
    begin(overview, link, fn, arg);
    return LEAT_OK;
}

void overview_fini(struct overview *overview)
{
    if (overview->gather != NULL)
        gather_fini(overview->gather);
    arena_fini(&overview->arena);
    *overview = (struct overview){0};
}
