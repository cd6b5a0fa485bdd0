/* SPDX-License-Identifier: MIT */
#include "resting.h"
#include "base/text.h"
#include "broker/script_call.h"

#include <stdio.h>
#include <string.h>

/* What differs between the two kinds. */
static const struct {
    const char *name, *count_command, *page_command;
} kinds[] = {
    [RESTING_DEAD] = {"dead", "ZCARD", "ZREVRANGE"},
    [RESTING_BAD] = {"bad", "LLEN", "LRANGE"},
};

static const char *key_of(const struct queue *queue, enum resting_kind kind)
{
    return kind == RESTING_DEAD ? queue->dead : queue->bad;
}

const char *resting_kind_name(enum resting_kind kind)
{
    return kinds[kind].name;
}

int resting_kind_parse(const char *name, enum resting_kind *out, struct err *err)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        *out = (enum resting_kind)i;
        return LEAT_OK;
    }
    return err_set(err, LEAT_EUSAGE, "--state is 'dead' or 'bad', not '%.40s'", name);
}

/* Source: Fowler, Noll, Vo: FNV-1a, 64 bits. */
static uint64_t digest(struct bytes bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The iid; the digest for an entry that has none. */
static void add_iid(struct buf *out, struct bytes raw)
{
    struct entry entry;
    if (entry_read(&entry, raw) == 0 && entry.iid.len > 0)
        buf_add(out, entry.iid.at, entry.iid.len);
    else
        buf_addf(out, "%016llx", (unsigned long long)digest(raw));
}

void resting_handle(struct buf *out, const struct resting *resting)
{
    if (resting->kind == RESTING_BAD) {
        buf_addf(out, "bad:%016llx", (unsigned long long)digest(resting->raw));
        return;
    }
    buf_addf(out, "dead:%lld:", (long long)resting->died_ms);
    add_iid(out, resting->raw);
}

void resting_read(struct resting_view *view, const struct resting *resting,
                  struct arena *arena)
{
    *view = (struct resting_view){0};
    if (resting->raw.len > LIMIT_ENTRY_BYTES)
        err_set(&view->err, LEAT_EDATA, "the entry has %zu bytes, the limit is %d",
                resting->raw.len, LIMIT_ENTRY_BYTES);
    if (entry_read(&view->entry, resting->raw) != 0) {
        view->entry.payload = resting->raw;
        entry_refuse(resting->raw, &view->err);
    }
    if (view->err.code == LEAT_OK)
        envelope_read(&view->job, view->entry.payload, arena, &view->err);
}

int resting_count(struct client *client, const struct queue *queue,
                  enum resting_kind kind, int64_t *out, struct err *err)
{
    const struct redisReply *reply;
    cmd_set(&client->cmd, kinds[kind].count_command, key_of(queue, kind), NULL);
    int code = client_call(client, &reply, err);
    if (code == LEAT_OK)
        *out = reply_int(reply, 0);
    return code;
}

/* ---- walking ------------------------------------------------------------------------ */

/* Hand a page over. Returns how many it had, or -1 when `fn` wants no more. */
static int64_t use_page(const struct redisReply *page, enum resting_kind kind,
                        resting_fn fn, void *arg)
{
    size_t width = kind == RESTING_DEAD ? 2 : 1; /* member and score */
    size_t count = reply_count(page) / width;
    for (size_t i = 0; i < count; i++) {
        const struct resting resting = {
            .kind = kind,
            .raw = reply_bytes(reply_at(page, width * i)),
            .died_ms =
                kind == RESTING_DEAD ? reply_int(reply_at(page, width * i + 1), 0) : 0,
        };
        if (fn(arg, &resting))
            return -1;
    }
    return (int64_t)count;
}

int resting_walk(struct client *client, const struct queue *queue, enum resting_kind kind,
                 int64_t max, resting_fn fn, void *arg, struct err *err)
{
    int64_t at = 0, got = RESTING_PAGE;
    while (at < max && got == RESTING_PAGE) {
        const struct redisReply *page;
        cmd_set(&client->cmd, kinds[kind].page_command, key_of(queue, kind), NULL);
        cmd_add_int(&client->cmd, at);
        cmd_add_int(&client->cmd,
                    (at + RESTING_PAGE < max ? at + RESTING_PAGE : max) - 1);
        if (kind == RESTING_DEAD)
            cmd_adds(&client->cmd, "WITHSCORES");
        int code = client_call(client, &page, err);
        if (code != LEAT_OK)
            return code;
        got = use_page(page, kind, fn, arg);
        at += got;
    }
    return LEAT_OK;
}

int resting_walk_oldest(struct client *client, const struct queue *queue,
                        enum resting_kind kind, int64_t max, resting_fn fn, void *arg,
                        struct err *err)
{
    const struct redisReply *page;
    int64_t count = max < RESTING_PAGE ? max : RESTING_PAGE;
    if (kind == RESTING_DEAD) {
        cmd_set(&client->cmd, "ZRANGE", queue->dead, "0", NULL);
        cmd_add_int(&client->cmd, count - 1);
        cmd_adds(&client->cmd, "WITHSCORES");
    } else { /* the newest is at the left */
        cmd_set(&client->cmd, "LRANGE", queue->bad, NULL);
        cmd_add_int(&client->cmd, -count);
        cmd_adds(&client->cmd, "-1");
    }
    int code = client_call(client, &page, err);
    if (code == LEAT_OK)
        use_page(page, kind, fn, arg);
    return code;
}

/* ---- finding ------------------------------------------------------------------------ */

struct search {
    const char *const *words;
    size_t count, left;
    struct resting *found; /* raw.at is NULL while it is not found */
    struct arena *arena;
};

static int starts_with(const char *word, const char *start)
{
    return strncmp(word, start, strlen(start)) == 0;
}

/* By its handle, or a dead job by the iid in it. */
static int is_named(const struct resting *resting, const char *word, const char *handle)
{
    if (strcmp(handle, word) == 0)
        return 1;
    return resting->kind == RESTING_DEAD &&
           strcmp(strchr(handle + strlen("dead:"), ':') + 1, word) == 0;
}

static int match(void *arg, const struct resting *resting)
{
    struct search *search = arg;
    struct buf handle = {0};
    resting_handle(&handle, resting);
    for (size_t i = 0; i < search->count; i++) {
        struct resting *found = &search->found[i];
        if (found->raw.at != NULL ||
            !is_named(resting, search->words[i], buf_text(&handle)))
            continue;
        *found = *resting;
        found->raw.at = arena_dup(search->arena, resting->raw);
        search->left--;
    }
    buf_fini(&handle);
    return search->left == 0;
}

/* Has a word that only a walk over this kind can find? */
static int needs_walk(const struct search *search, enum resting_kind kind)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].raw.at == NULL &&
            starts_with(search->words[i], "bad:") == (kind == RESTING_BAD))
            return 1;
    return 0;
}

static int report_missing(const struct search *search, struct err *err)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->found[i].raw.at == NULL)
            return err_set(err, LEAT_ENO,
                           "'%s' is neither dead nor in the quarantine of this queue "
                           "(not looked further than its newest %d)",
                           search->words[i], RESTING_LOOK_MAX);
    return LEAT_OK;
}

int resting_find(struct client *client, const struct queue *queue,
                 const char *const *words, size_t count, struct resting *found,
                 struct arena *arena, struct err *err)
{
    struct search search = {words, count, count, found, arena};
    memset(found, 0, count * sizeof *found);
    for (int kind = RESTING_DEAD; kind <= RESTING_BAD; kind++) {
        if (!needs_walk(&search, (enum resting_kind)kind))
            continue;
        int code = resting_walk(client, queue, (enum resting_kind)kind, RESTING_LOOK_MAX,
                                match, &search, err);
        if (code != LEAT_OK)
            return code;
    }
    return report_missing(&search, err);
}

/* ---- acting ------------------------------------------------------------------------- */

static int act(struct client *client, const struct resting *resting, struct err *err)
{
    const struct redisReply *reply;
    int code = client_call(client, &reply, err);
    if (code != LEAT_OK || reply_int(reply, 0) != 0)
        return code;
    struct buf handle = {0};
    resting_handle(&handle, resting);
    err_set(err, LEAT_ENO, "'%s' is not there any more", buf_text(&handle));
    buf_fini(&handle);
    return LEAT_ENO;
}

/* The same job, first delivered when it was, as if it had never run. */
static void write_revived(struct buf *out, struct bytes raw)
{
    struct entry entry;
    if (entry_read(&entry, raw) != 0 || entry.iid.len == 0) {
        buf_add(out, raw.at, raw.len);
        return;
    }
    entry.deliveries = entry.fails = 0;
    entry.error = entry.slot = (struct bytes){"", 0};
    entry_write_header(out, &entry, NULL);
    buf_addc(out, '\n');
    buf_add(out, entry.payload.at, entry.payload.len);
}

int resting_retry(struct client *client, const struct queue *queue,
                  const struct resting *resting, struct err *err)
{
    struct buf pushed = {0};
    if (resting->kind == RESTING_DEAD)
        write_revived(&pushed, resting->raw);
    else
        buf_add(&pushed, resting->raw.at, resting->raw.len);
    call_requeue(&client->cmd, queue, kinds[resting->kind].name, resting->raw,
                 buf_bytes(&pushed));
    int code = act(client, resting, err);
    buf_fini(&pushed);
    return code;
}

int resting_remove(struct client *client, const struct queue *queue,
                   const struct resting *resting, struct err *err)
{
    call_remove(&client->cmd, queue, kinds[resting->kind].name, resting->raw);
    return act(client, resting, err);
}
