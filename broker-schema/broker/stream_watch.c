/* SPDX-License-Identifier: MIT */
/* A wait is placed by a look at its stream's newest entries; then the next XREAD has it.
 *
 *   add -> look -> placed -> in an XREAD -> entries ... -> remove
 *
 * An XREAD that blocks does not know of waits that were placed since: it is stale. CLIENT
 * UNBLOCK ends it, unless Redis has not read the XREAD itself yet; then it is tried again
 * a little later. */
#include "broker/stream_watch.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_MS = 20000, /* so that a connection that died in silence is noticed */
    ENTRIES_MAX = 8,  /* of a stream in one answer: each may hold a result */
    AGAIN_MIN_MS = 5, /* until CLIENT UNBLOCK is tried again */
    AGAIN_MAX_MS = 500,
};

struct look {
    LIST_ENTRY(look) link;
    struct stream_watch *watch;
    struct stream_wait *wait; /* NULL: it was removed */
};

struct stream_watch {
    struct ev_loop *loop;
    struct redis_url url;
    struct link *asker;
    struct link *link; /* NULL: nothing was waited for yet */
    int64_t client_id; /* of its connection; 0: not allowed to know, -1: not known yet */
    int is_reading;    /* an XREAD has no answer yet */
    int is_stale;      /* and lacks a wait */
    int is_unblocking; /* and Redis was asked to end it */
    int64_t again_ms;
    ev_timer again;
    TAILQ_HEAD(stream_waits, stream_wait) waits;
    LIST_HEAD(looks, look) looks;
    int count;
    struct err fatal; /* the link does not come back */
    char down_why[160];
    struct cmd cmd;
};

static void read_on(struct stream_watch *watch);

/* ---- entries ----------------------------------------------------------------------- */

/* `<ms>-<number>`. Returns 0, or -1. */
static int id_read(struct stream_id *id, struct bytes text)
{
    char copy[48], *end;
    if (text.len == 0 || text.len >= sizeof copy)
        return -1;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    id->ms = strtoull(copy, &end, 10);
    if (*end != '-')
        return -1;
    id->number = strtoull(end + 1, &end, 10);
    return *end == '\0' ? 0 : -1;
}

static int id_is_behind(struct stream_id a, struct stream_id b)
{
    return a.ms > b.ms || (a.ms == b.ms && a.number > b.number);
}

int stream_entry_read(struct stream_entry *entry, const struct redisReply *reply)
{
    *entry = (struct stream_entry){.fields = reply_at(reply, 1)};
    return id_read(&entry->id, reply_bytes(reply_at(reply, 0)));
}

static void tell(struct stream_wait *wait, const struct stream_entry *entry)
{
    wait->last = entry->id;
    wait->on_entry(wait, entry);
}

static void fail(struct stream_wait *wait, int code, const char *text)
{
    struct err err = {0};
    err_set(&err, code, "%s", text);
    stream_watch_remove(wait);
    wait->on_error(wait, &err);
}

static void fail_all(struct stream_watch *watch, int code, const char *text)
{
    while (!TAILQ_EMPTY(&watch->waits))
        fail(TAILQ_FIRST(&watch->waits), code, text);
}

/* ---- placing ----------------------------------------------------------------------- */

void stream_put_look(struct cmd *cmd, const char *key)
{
    cmd_set(cmd, "XREVRANGE", key, "+", "-", "COUNT", NULL);
    cmd_add_int(cmd, STREAM_LOOK_ENTRIES);
}

static void place(struct stream_wait *wait, const struct redisReply *newest_first)
{
    struct stream_entry entry;
    wait->is_placed = 1;
    if (reply_count(newest_first) == 0)
        wait->on_entry(wait, NULL);
    for (size_t left = reply_count(newest_first); left-- > 0;) {
        if (stream_entry_read(&entry, reply_at(newest_first, left)) != 0)
            continue;
        entry.is_old = left > 0;
        tell(wait, &entry);
    }
}

static void on_looked(void *arg, struct answer *answer)
{
    struct look *look = arg;
    struct stream_watch *watch = look->watch;
    struct stream_wait *wait = look->wait;
    LIST_REMOVE(look, link);
    free(look);
    if (wait != NULL && answer->code != LEAT_OK)
        fail(wait, answer->code, answer->text);
    else if (wait != NULL)
        place(wait, answer->reply);
    read_on(watch);
}

static void look_up(struct stream_watch *watch, struct stream_wait *wait)
{
    struct look *look = xcalloc(1, sizeof *look);
    look->watch = watch;
    look->wait = wait;
    stream_put_look(&watch->cmd, wait->key);
    LIST_INSERT_HEAD(&watch->looks, look, link);
    /* What may be sent again is taken at any time. */
    link_send(watch->asker, &watch->cmd, LINK_RESEND | LINK_RETRY, 0, on_looked, look);
}

/* ---- reading ----------------------------------------------------------------------- */

/* One that waits for this stream and does not have this entry yet. */
static struct stream_wait *find_wait(struct stream_watch *watch, struct bytes key,
                                     struct stream_id id)
{
    struct stream_wait *wait;
    TAILQ_FOREACH(wait, &watch->waits, link)
    {
        if (wait->is_placed && id_is_behind(id, wait->last) && bytes_is(key, wait->key))
            return wait;
    }
    return NULL;
}

/* Whoever is told may remove others, so the search begins anew behind each. */
static void hand_out(struct stream_watch *watch, const struct redisReply *stream)
{
    struct bytes key = reply_bytes(reply_at(stream, 0));
    const struct redisReply *entries = reply_at(stream, 1);
    for (size_t i = 0; i < reply_count(entries); i++) {
        struct stream_wait *wait;
        struct stream_entry entry;
        if (stream_entry_read(&entry, reply_at(entries, i)) != 0)
            continue;
        while ((wait = find_wait(watch, key, entry.id)) != NULL)
            tell(wait, &entry);
    }
}

static void on_heard(void *arg, struct answer *answer)
{
    struct stream_watch *watch = arg;
    watch->is_reading = 0;
    ev_timer_stop(watch->loop, &watch->again);
    for (size_t i = 0; i < reply_count(answer->reply); i++)
        hand_out(watch, reply_at(answer->reply, i));
    if (answer->code == LEAT_OK)
        read_on(watch);
    else if (answer->code != LEAT_ELINK) /* after that on_up() goes on */
        fail_all(watch, answer->code, answer->text);
}

static int put_read(struct stream_watch *watch)
{
    struct cmd *cmd = &watch->cmd;
    struct stream_wait *wait;
    int count = 0;
    cmd_set(cmd, "XREAD", "COUNT", NULL);
    cmd_add_int(cmd, ENTRIES_MAX);
    cmd_adds(cmd, "BLOCK");
    cmd_add_int(cmd, BLOCK_MS);
    cmd_adds(cmd, "STREAMS");
    TAILQ_FOREACH(wait, &watch->waits, link)
    {
        if (wait->is_placed && ++count)
            cmd_adds(cmd, wait->key);
    }
    TAILQ_FOREACH(wait, &watch->waits, link)
    {
        if (wait->is_placed)
            cmd_addf(cmd, "%llu-%llu", (unsigned long long)wait->last.ms,
                     (unsigned long long)wait->last.number);
    }
    return count;
}

/* ---- ending a block ---------------------------------------------------------------- */

static void unblock(struct stream_watch *watch);

static void unblock_later(struct stream_watch *watch)
{
    ev_timer_set(&watch->again, (double)watch->again_ms / 1000, 0);
    ev_timer_start(watch->loop, &watch->again);
    watch->again_ms *= watch->again_ms < AGAIN_MAX_MS ? 2 : 1;
}

static void on_unblocked(void *arg, struct answer *answer)
{
    struct stream_watch *watch = arg;
    watch->is_unblocking = 0;
    if (!watch->is_reading || !watch->is_stale)
        return;
    if (answer->code != LEAT_OK && answer->code != LEAT_ELINK)
        link_drop(watch->link, "there is more to wait for");
    else if (answer->code == LEAT_ELINK || reply_int(answer->reply, 0) == 0)
        unblock_later(watch);
}

static void unblock(struct stream_watch *watch)
{
    if (watch->is_unblocking || ev_is_active(&watch->again))
        return;
    if (watch->client_id == 0) {
        link_drop(watch->link, "there is more to wait for");
        return;
    }
    cmd_set(&watch->cmd, "CLIENT", "UNBLOCK", NULL);
    cmd_add_int(&watch->cmd, watch->client_id);
    watch->is_unblocking =
        link_send(watch->asker, &watch->cmd, 0, 0, on_unblocked, watch) == LEAT_OK;
    if (!watch->is_unblocking)
        unblock_later(watch);
}

static void on_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct stream_watch *watch = watcher->data;
    if (watch->is_reading && watch->is_stale)
        unblock(watch);
}

/* ---- the connection ---------------------------------------------------------------- */

/* Wait for all that is placed; for those that are not, a little later. */
static void read_on(struct stream_watch *watch)
{
    if (!LIST_EMPTY(&watch->looks) || watch->client_id < 0)
        return;
    if (watch->is_reading && watch->is_stale)
        unblock(watch);
    if (watch->is_reading || TAILQ_EMPTY(&watch->waits))
        return;
    watch->is_stale = 0;
    watch->again_ms = AGAIN_MIN_MS;
    if (put_read(watch) > 0)
        watch->is_reading =
            link_send(watch->link, &watch->cmd, LINK_RETRY, BLOCK_MS + LINK_PATIENCE_MS,
                      on_heard, watch) == LEAT_OK;
}

static void on_client_id(void *arg, struct answer *answer)
{
    struct stream_watch *watch = arg;
    watch->client_id = answer->code == LEAT_OK ? reply_int(answer->reply, 0) : 0;
    if (answer->code != LEAT_ELINK)
        read_on(watch);
}

static void on_up(void *arg)
{
    struct stream_watch *watch = arg;
    watch->down_why[0] = '\0';
    watch->client_id = -1;
    cmd_set(&watch->cmd, "CLIENT", "ID", NULL);
    link_send(watch->link, &watch->cmd, 0, 0, on_client_id, watch);
}

static void on_down(void *arg, const char *why)
{
    struct stream_watch *watch = arg;
    watch->client_id = -1;
    snprintf(watch->down_why, sizeof watch->down_why, "%s", why);
}

static void on_fatal(void *arg, const struct err *err)
{
    struct stream_watch *watch = arg;
    watch->fatal = *err;
    watch->client_id = -1;
    watch->is_reading = 0;
    fail_all(watch, err->code, err->text);
}

static void connect_link(struct stream_watch *watch)
{
    struct link_config config = {.url = watch->url,
                                 .name = "leat-waiter",
                                 .give_up_ms = -1,
                                 .insist = 1,
                                 .arg = watch,
                                 .on_up = on_up,
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    if (watch->link != NULL && watch->fatal.code == LEAT_OK)
        return;
    link_free(watch->link); /* refused before, maybe for a password that is right now */
    watch->fatal = (struct err){0};
    watch->link = link_new(watch->loop, &config);
}

/* ---- life -------------------------------------------------------------------------- */

struct stream_watch *stream_watch_new(struct ev_loop *loop, const struct redis_url *url,
                                      struct link *asker)
{
    struct stream_watch *watch = xcalloc(1, sizeof *watch);
    watch->loop = loop;
    watch->url = *url;
    watch->asker = asker;
    watch->client_id = -1;
    ev_timer_init(&watch->again, on_again, 0, 0);
    watch->again.data = watch;
    TAILQ_INIT(&watch->waits);
    LIST_INIT(&watch->looks);
    return watch;
}

void stream_watch_free(struct stream_watch *watch)
{
    struct look *look;
    if (watch == NULL)
        return;
    fail_all(watch, LEAT_ELINK, "nothing is waited for any more");
    while ((look = LIST_FIRST(&watch->looks)) != NULL) {
        LIST_REMOVE(look, link);
        free(look);
    }
    ev_timer_stop(watch->loop, &watch->again);
    link_free(watch->link);
    cmd_fini(&watch->cmd);
    free(watch);
}

int stream_watch_add(struct stream_watch *watch, struct stream_wait *wait,
                     struct err *err)
{
    if (watch->count == STREAM_WAITS_MAX)
        return err_set(err, LEAT_EBUSY, "%d wait already", STREAM_WAITS_MAX);
    connect_link(watch);
    wait->watch = watch;
    wait->last = (struct stream_id){0};
    wait->is_placed = 0;
    watch->is_stale = 1;
    watch->count++;
    TAILQ_INSERT_TAIL(&watch->waits, wait, link);
    look_up(watch, wait);
    return LEAT_OK;
}

void stream_watch_remove(struct stream_wait *wait)
{
    struct stream_watch *watch = wait->watch;
    struct look *look;
    if (watch == NULL)
        return;
    LIST_FOREACH(look, &watch->looks, link)
    {
        if (look->wait == wait)
            look->wait = NULL;
    }
    TAILQ_REMOVE(&watch->waits, wait, link);
    watch->count--;
    wait->watch = NULL;
}

const char *stream_watch_down_why(const struct stream_watch *watch)
{
    return watch->down_why[0] != '\0' ? watch->down_why : NULL;
}
