/* SPDX-License-Identifier: MIT */
/* TIME, the counts and the first page leave in one pipeline, further pages follow one
 * another, key after key. `due` says how many answers are still to come; the one that
 * brings it to 0 ends the walk when no other page was asked for. */
#include "broker/walk.h"
#include "broker/client.h"

enum { KEYS_MAX = 4 };

#define KEY(member) (offsetof(struct queue, member))

static const struct source {
    size_t keys[KEYS_MAX]; /* of which in struct queue, in the order of the walk */
    int key_count;
    int is_zset;
    int from_end; /* begin with the last of the set, the rightmost of the list */
} sources[] = {
    [WALK_DEAD] = {{KEY(dead)}, 1, 1, 1},
    [WALK_BAD] = {{KEY(bad)}, 1, 0, 0},
    [WALK_FAILED] = {{KEY(fail)}, 1, 0, 0},
    [WALK_SCHEDULED] = {{KEY(sched)}, 1, 1, 0},
    [WALK_READY] = {{KEY(staging), KEY(high), KEY(list), KEY(suspects)}, 4, 0, 1},
};

static const struct source *source_of(const struct walk *walk)
{
    return &sources[walk->source];
}

static const char *key_at(const struct walk *walk, int i)
{
    return (const char *)walk->queue + source_of(walk)->keys[i];
}

static int is_backward(const struct walk *walk)
{
    return source_of(walk)->from_end != (walk->from_other_end != 0);
}

/* ---- pages ------------------------------------------------------------------------- */

static void ask(struct walk *walk, answer_fn fn)
{
    int code = link_send(walk->link, &walk->cmd, 0, 0, fn, walk);
    if (code == LEAT_OK)
        walk->due++;
    else
        err_set(&walk->err, code, "the connection to Redis was lost");
}

static int64_t page_size(const struct walk *walk)
{
    int64_t left = walk->max - walk->searched;
    return left < walk->page ? left : walk->page;
}

/* As many as fill a page, if those to come are as long as those that came. */
static void choose_page(struct walk *walk)
{
    int64_t mean = walk->bytes / (walk->searched > 0 ? walk->searched : 1);
    int64_t page = WALK_PAGE_BYTES / (mean + 1);
    walk->page = page < 1 ? 1 : page < WALK_PAGE_MAX ? page : WALK_PAGE_MAX;
}

static void put_zset_page(struct walk *walk, int64_t count)
{
    struct cmd *cmd = &walk->cmd;
    if (walk->only_at_ms != 0) {
        cmd_add_int(cmd, walk->only_at_ms);
        cmd_add_int(cmd, walk->only_at_ms);
        cmd_adds(cmd, "BYSCORE");
    } else {
        cmd_add_int(cmd, walk->at);
        cmd_add_int(cmd, walk->at + count - 1);
    }
    if (is_backward(walk))
        cmd_adds(cmd, "REV");
    if (walk->only_at_ms != 0) {
        cmd_adds(cmd, "LIMIT");
        cmd_add_int(cmd, walk->at);
        cmd_add_int(cmd, count);
    }
    cmd_adds(cmd, "WITHSCORES");
}

static void on_page(void *arg, struct answer *answer);

static void ask_page(struct walk *walk)
{
    struct cmd *cmd = &walk->cmd;
    int64_t count = page_size(walk);
    cmd_set(cmd, source_of(walk)->is_zset ? "ZRANGE" : "LRANGE", key_at(walk, walk->key),
            NULL);
    if (source_of(walk)->is_zset) {
        put_zset_page(walk, count);
    } else if (is_backward(walk)) { /* -1 is the rightmost */
        cmd_add_int(cmd, -(walk->at + count));
        cmd_add_int(cmd, -walk->at - 1);
    } else {
        cmd_add_int(cmd, walk->at);
        cmd_add_int(cmd, walk->at + count - 1);
    }
    ask(walk, on_page);
}

/* Hand a page over, in the order of the walk. Returns how many entries it had. */
static int64_t use_page(struct walk *walk, const struct redisReply *page)
{
    int is_zset = source_of(walk)->is_zset;
    int is_reversed = !is_zset && is_backward(walk); /* LRANGE goes rightwards always */
    size_t width = is_zset ? 2 : 1;                  /* member and score */
    size_t count = reply_count(page) / width;
    walk->from = key_at(walk, walk->key);
    for (size_t i = 0; i < count && !walk->is_over; i++) {
        size_t at = width * (is_reversed ? count - 1 - i : i);
        struct bytes raw = reply_bytes(reply_at(page, at));
        walk->searched++;
        walk->bytes += (int64_t)raw.len;
        walk->is_over = walk->entry(walk->arg, raw,
                                    is_zset ? reply_int(reply_at(page, at + 1), 0) : 0);
    }
    return (int64_t)count;
}

static void go_on(struct walk *walk, int64_t wanted, int64_t got)
{
    walk->at += got;
    if (got < wanted) {
        walk->key++;
        walk->at = 0;
    }
    walk->is_complete = walk->key == source_of(walk)->key_count;
    walk->is_over = walk->is_complete || walk->searched >= walk->max;
    if (walk->is_over)
        return;
    choose_page(walk);
    ask_page(walk);
}

static void answered(struct walk *walk, const struct answer *answer)
{
    walk->due--;
    if (answer->code != LEAT_OK)
        err_set(&walk->err, answer->code, "Redis: %s", answer->text);
}

static void end_when_all_is_answered(struct walk *walk)
{
    if (walk->due > 0)
        return;
    if (walk->searched >= walk->of)
        walk->is_complete = 1;
    walk->done(walk, walk->err.code != LEAT_OK ? &walk->err : NULL);
}

static void on_page(void *arg, struct answer *answer)
{
    struct walk *walk = arg;
    int64_t wanted = page_size(walk);
    answered(walk, answer);
    if (walk->err.code == LEAT_OK) {
        int64_t got = use_page(walk, answer->reply);
        if (!walk->is_over)
            go_on(walk, wanted, got);
    }
    end_when_all_is_answered(walk);
}

/* ---- the start --------------------------------------------------------------------- */

static void on_time(void *arg, struct answer *answer)
{
    struct walk *walk = arg;
    answered(walk, answer);
    walk->now_ms = reply_int(reply_at(answer->reply, 0), 0) * 1000 +
                   reply_int(reply_at(answer->reply, 1), 0) / 1000;
    end_when_all_is_answered(walk);
}

static void on_count(void *arg, struct answer *answer)
{
    struct walk *walk = arg;
    answered(walk, answer);
    walk->of += reply_int(answer->reply, 0);
    end_when_all_is_answered(walk);
}

static void put_count(struct walk *walk, const char *key)
{
    struct cmd *cmd = &walk->cmd;
    cmd_set(cmd,
            walk->only_at_ms != 0      ? "ZCOUNT"
            : source_of(walk)->is_zset ? "ZCARD"
                                       : "LLEN",
            key, NULL);
    if (walk->only_at_ms == 0)
        return;
    cmd_add_int(cmd, walk->only_at_ms);
    cmd_add_int(cmd, walk->only_at_ms);
}

int walk_start(struct walk *walk)
{
    walk->searched = walk->of = walk->now_ms = walk->at = walk->bytes = 0;
    walk->page = WALK_PAGE_FIRST;
    walk->is_complete = walk->is_over = walk->due = walk->key = 0;
    walk->err = (struct err){0};
    cmd_set(&walk->cmd, "TIME", NULL);
    ask(walk, on_time);
    if (walk->due == 0)
        return LEAT_ELINK;
    for (int i = 0; i < source_of(walk)->key_count; i++) {
        put_count(walk, key_at(walk, i));
        ask(walk, on_count);
    }
    ask_page(walk);
    return LEAT_OK;
}

/* ---- waiting ----------------------------------------------------------------------- */

/* Stands between the walk and its caller, whose argument is for both callbacks. */
struct waiting {
    walk_entry_fn entry;
    void *arg;
    int done;
    struct err err;
};

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    const struct waiting *waiting = arg;
    return waiting->entry(waiting->arg, raw, at_ms);
}

static void on_walked(struct walk *walk, const struct err *err)
{
    struct waiting *waiting = walk->arg;
    waiting->done = 1;
    if (err != NULL)
        waiting->err = *err;
}

int walk_through(struct walk *walk, struct client *client, struct err *err)
{
    struct waiting waiting = {.entry = walk->entry, .arg = walk->arg};
    walk->link = client->link;
    walk->entry = on_entry;
    walk->done = on_walked;
    walk->arg = &waiting;
    if (walk_start(walk) != LEAT_OK)
        return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
    int code = client_wait(client, &waiting.done, err);
    if (code != LEAT_OK || waiting.err.code == LEAT_OK)
        return code;
    return err_set(err, waiting.err.code, "%s", waiting.err.text);
}

void walk_fini(struct walk *walk)
{
    cmd_fini(&walk->cmd);
}
