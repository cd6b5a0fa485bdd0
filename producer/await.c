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

/* ---- what calls back --------------------------------------------------------------- */

struct ending {
    int done;
    struct err err;
};

static void note(struct ending *ending, const struct err *err)
{
    ending->done = 1;
    if (err != NULL)
        ending->err = *err;
}

static int wait_for(struct client *client, const struct ending *ending, struct err *err)
{
    int code = client_wait(client, &ending->done, err);
    if (code != LEAT_OK || ending->err.code == LEAT_OK)
        return code;
    return err_set(err, ending->err.code, "%s", ending->err.text);
}

/* ---- finding ----------------------------------------------------------------------- */

static void on_found(struct resting_find *find, const struct err *err)
{
    note(find->arg, err);
}

int await_find(struct client *client, const struct queue *queue, const char *const *words,
               size_t count, struct resting *found, struct arena *arena, struct err *err)
{
    struct ending ending = {0};
    struct resting_find find = {.queue = queue,
                                .words = words,
                                .count = count,
                                .max = AWAIT_LOOK_MAX,
                                .found = found,
                                .arena = arena,
                                .done = on_found,
                                .arg = &ending};
    int code = resting_find_start(&find, client->link) == LEAT_OK
                   ? wait_for(client, &ending, err)
                   : lost(err);
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

/* ---- cancelling -------------------------------------------------------------------- */

static void on_cancelled(struct cancel *cancel, const struct err *err)
{
    note(cancel->arg, err);
}

int await_cancel(struct client *client, struct cancel *cancel, struct err *err)
{
    struct ending ending = {0};
    cancel->loop = client->loop;
    cancel->link = client->link;
    cancel->done = on_cancelled;
    cancel->arg = &ending;
    int code = cancel_start(cancel, err);
    return code == LEAT_OK ? wait_for(client, &ending, err) : code;
}
