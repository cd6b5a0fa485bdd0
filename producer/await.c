/* SPDX-License-Identifier: MIT */
#include "await.h"

static int lost(struct err *err)
{
    return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
}

/* ---- walking ----------------------------------------------------------------------- */

static int walk_all(struct client *client, struct walk *walk, struct err *err)
{
    int code = walk_through(walk, client, err);
    walk_fini(walk);
    return code;
}

int await_walk(struct client *client, const struct queue *queue, enum walk_source source,
               int64_t max, walk_entry_fn fn, void *arg, struct err *err)
{
    struct walk walk = {
        .queue = queue, .source = source, .max = max, .entry = fn, .arg = arg};
    return walk_all(client, &walk, err);
}

int await_walk_oldest(struct client *client, const struct queue *queue,
                      enum walk_source source, int64_t max, walk_entry_fn fn, void *arg,
                      struct err *err)
{
    struct walk walk = {.queue = queue,
                        .source = source,
                        .max = max,
                        .from_other_end = 1,
                        .entry = fn,
                        .arg = arg};
    return walk_all(client, &walk, err);
}

int await_count(struct client *client, const struct queue *queue, enum resting_kind kind,
                int64_t *out, struct err *err)
{
    const struct redisReply *reply;
    if (kind == RESTING_DEAD)
        cmd_set(&client->cmd, "ZCARD", queue->dead, NULL);
    else
        cmd_set(&client->cmd, "LLEN", queue->bad, NULL);
    int code = client_call(client, &reply, err);
    if (code == LEAT_OK)
        *out = reply_int(reply, 0);
    return code;
}

/* ---- finding ----------------------------------------------------------------------- */

struct finding {
    int done;
    struct err err;
};

static void on_found(struct resting_find *find, const struct err *err)
{
    struct finding *finding = find->arg;
    finding->done = 1;
    if (err != NULL)
        finding->err = *err;
}

static int wait_for_find(struct client *client, struct resting_find *find,
                         struct finding *finding, struct err *err)
{
    if (resting_find_start(find, client->link) != LEAT_OK)
        return lost(err);
    int code = client_wait(client, &finding->done, err);
    if (code != LEAT_OK || finding->err.code == LEAT_OK)
        return code;
    return err_set(err, finding->err.code, "%s", finding->err.text);
}

int await_find(struct client *client, const struct queue *queue, const char *const *words,
               size_t count, struct resting *found, struct arena *arena, struct err *err)
{
    struct finding finding = {0};
    struct resting_find find = {.queue = queue,
                                .words = words,
                                .count = count,
                                .max = AWAIT_LOOK_MAX,
                                .found = found,
                                .arena = arena,
                                .done = on_found,
                                .arg = &finding};
    int code = wait_for_find(client, &find, &finding, err);
    resting_find_fini(&find);
    return code;
}

/* ---- acting ------------------------------------------------------------------------ */

static int act(struct client *client, const struct resting *resting, struct err *err)
{
    const struct redisReply *reply;
    int code = client_call(client, &reply, err);
    if (code != LEAT_OK || reply_int(reply, 0) != 0)
        return code;
    return resting_gone(resting, err);
}

int await_retry(struct client *client, const struct queue *queue,
                const struct resting *resting, struct err *err)
{
    struct arena arena = {0};
    resting_put_retry(&client->cmd, queue, resting, &arena);
    int code = act(client, resting, err);
    arena_fini(&arena);
    return code;
}

int await_remove(struct client *client, const struct queue *queue,
                 const struct resting *resting, struct err *err)
{
    resting_put_remove(&client->cmd, queue, resting);
    return act(client, resting, err);
}
