/* SPDX-License-Identifier: MIT */
#include "worker/cancels.h"
#include "broker/cancel.h"
#include "base/log.h"
#include "worker/tick.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    ANSWER_MS = 60000,            /* an answer is kept */
    DOUBTS_MAX = LIMIT_HELD_JOBS, /* more are not asked for in one breath */
};

struct cancelled {
    int64_t until_ms;
    int was_stopped; /* a job of it, here, before the cancel was heard */
    char id[LIMIT_ID_BYTES + 1];
};

struct doubt {
    STAILQ_ENTRY(doubt) link;
    int is_ours; /* the others do not know yet */
    char id[LIMIT_ID_BYTES + 1];
};

struct cancels {
    struct feed *feed;
    void *tree; /* tsearch() tree of struct cancelled */
    int count;  /* in the tree */
    STAILQ_HEAD(doubts, doubt) doubts;
    int doubt_count;
    int asking; /* of the doubts, from the first on */
    ev_timer ask;
    char host[128];
};

/* ---- the set ----------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct cancelled *)a)->id, ((const struct cancelled *)b)->id);
}

static void drop_all(struct cancels *cancels)
{
    tdestroy(cancels->tree, free);
    cancels->tree = NULL;
    cancels->count = 0;
}

static struct cancelled *find(const struct cancels *cancels, struct bytes id)
{
    struct cancelled wanted;
    if (cancels->count == 0 || id.len > LIMIT_ID_BYTES)
        return NULL;
    snprintf(wanted.id, sizeof wanted.id, "%.*s", (int)id.len, id.at);
    void *node = tfind(&wanted, &cancels->tree, by_id);
    return node != NULL ? *(struct cancelled **)node : NULL;
}

static void remove_found(struct cancels *cancels, struct cancelled *cancelled)
{
    if (cancelled == NULL)
        return;
    tdelete(cancelled, &cancels->tree, by_id);
    cancels->count--;
    free(cancelled);
}

int cancels_has(const struct cancels *cancels, struct bytes id)
{
    const struct cancelled *cancelled = find(cancels, id);
    return cancelled != NULL &&
           cancelled->until_ms > worker_redis_now_ms(cancels->feed->worker);
}

/* Returns 0, or -1 when there are so many that some cannot count any more. */
static int add(struct cancels *cancels, struct bytes id, int64_t until_ms)
{
    struct cancelled *cancelled = find(cancels, id);
    if (id.len == 0 || id.len > LIMIT_ID_BYTES)
        return 0;
    if (cancelled == NULL && cancels->count == LIMIT_CANCELS)
        return -1;
    if (cancelled == NULL) {
        cancelled = xcalloc(1, sizeof *cancelled);
        snprintf(cancelled->id, sizeof cancelled->id, "%.*s", (int)id.len, id.at);
        if (tsearch(cancelled, &cancels->tree, by_id) == NULL)
            abort(); /* out of memory: the only way it fails */
        cancels->count++;
    }
    cancelled->until_ms = until_ms;
    return 0;
}

/* ---- doubts ------------------------------------------------------------------------ */

/* Others that know it need not meet a job of it to find out. */
static void tell_others(const struct cancels *cancels, const char *id)
{
    struct worker *worker = cancels->feed->worker;
    cmd_set(&worker->cmd, "XADD", cancels->feed->queue.ctl, "MAXLEN", "~", "1000", "*",
            "cancelled", id, NULL);
    tick_send_quietly(worker, &worker->cmd);
}

/* Once the settle is sent that goes before. */
static void ask_soon(struct cancels *cancels)
{
    if (cancels->doubt_count == 0 || cancels->asking > 0 || ev_is_active(&cancels->ask))
        return;
    ev_timer_set(&cancels->ask, 0, 0);
    ev_timer_start(cancels->feed->worker->loop, &cancels->ask);
}

static void on_asked(void *arg, struct answer *answer)
{
    struct cancels *cancels = arg;
    for (size_t i = 0; cancels->asking > 0; i++) {
        struct doubt *doubt = STAILQ_FIRST(&cancels->doubts);
        STAILQ_REMOVE_HEAD(&cancels->doubts, link);
        cancels->asking--;
        cancels->doubt_count--;
        if (answer->code == LEAT_OK && reply_is_nil(reply_at(answer->reply, i))) {
            remove_found(cancels, find(cancels, bytes_of(doubt->id)));
            if (doubt->is_ours)
                tell_others(cancels, doubt->id);
        }
        free(doubt);
    }
    ask_soon(cancels);
}

/* Behind the settle, by the same way: what Redis answers is true of the time after it. */
static void on_ask(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct cancels *cancels = watcher->data;
    struct worker *worker = cancels->feed->worker;
    const struct doubt *it;
    cmd_set(&worker->cmd, "HMGET", cancels->feed->queue.cancel, NULL);
    STAILQ_FOREACH(it, &cancels->doubts, link)
    {
        cmd_adds(&worker->cmd, it->id);
    }
    cancels->asking = cancels->doubt_count;
    link_send(worker->link, &worker->cmd, LINK_RESEND, 0, on_asked, cancels);
}

static void doubt(struct cancels *cancels, struct bytes id, int is_ours)
{
    if (id.len == 0 || id.len > LIMIT_ID_BYTES || cancels->doubt_count == DOUBTS_MAX)
        return;
    struct doubt *doubt = xcalloc(1, sizeof *doubt);
    doubt->is_ours = is_ours;
    memcpy(doubt->id, id.at, id.len);
    STAILQ_INSERT_TAIL(&cancels->doubts, doubt, link);
    cancels->doubt_count++;
    ask_soon(cancels);
}

void cancels_use(struct cancels *cancels, struct bytes id)
{
    doubt(cancels, id, 1);
}

void cancels_doubt(struct cancels *cancels, struct bytes id)
{
    if (find(cancels, id) != NULL)
        doubt(cancels, id, 0);
}

/* ---- what Redis tells -------------------------------------------------------------- */

static void on_loaded(void *arg, struct answer *answer)
{
    struct cancels *cancels = arg;
    struct feed *feed = cancels->feed;
    if (answer->code != LEAT_OK)
        return;
    for (size_t i = 0; i + 1 < reply_count(answer->reply); i += 2) {
        struct bytes id = reply_bytes(reply_at(answer->reply, i));
        add(cancels, id, reply_int(reply_at(answer->reply, i + 1), 0));
        struct cancelled *cancelled = find(cancels, id);
        if (worker_cancel(feed->worker, feed, id) > 0 && cancelled != NULL)
            cancelled->was_stopped = 1;
    }
}

void cancels_load(struct cancels *cancels)
{
    struct worker *worker = cancels->feed->worker;
    cmd_set(&worker->cmd, "HGETALL", cancels->feed->queue.cancel, NULL);
    link_send(worker->link, &worker->cmd, 0, 0, on_loaded, cancels);
}

/* Say to who cancelled it that the job is being stopped, and where. */
static void say_stopping(const struct cancels *cancels, struct bytes nonce)
{
    struct worker *worker = cancels->feed->worker;
    struct arena arena = {0};
    const char *key =
        queue_answer_key(&cancels->feed->queue, arena_dup(&arena, nonce), &arena);
    cmd_set(&worker->cmd, "XADD", key, "MAXLEN", "16", "*", "host", cancels->host, "pid",
            NULL);
    cmd_add_int(&worker->cmd, getpid());
    tick_send_quietly(worker, &worker->cmd);
    cmd_set(&worker->cmd, "PEXPIRE", key, NULL);
    cmd_add_int(&worker->cmd, ANSWER_MS);
    tick_send_quietly(worker, &worker->cmd);
    arena_fini(&arena);
}

void cancels_hear(struct cancels *cancels, struct bytes id, struct bytes nonce,
                  int64_t until_ms)
{
    struct feed *feed = cancels->feed;
    if (until_ms == 0)
        until_ms = worker_redis_now_ms(feed->worker) + CANCEL_KEEP_MS;
    if (add(cancels, id, until_ms) != 0) {
        drop_all(cancels);
        cancels_load(cancels);
    }
    struct cancelled *cancelled = find(cancels, id);
    int stopped = worker_cancel(feed->worker, feed, id);
    if (cancelled != NULL && cancelled->was_stopped)
        stopped++;
    if (cancelled != NULL)
        cancelled->was_stopped = 0;
    log_debug("cancel heard", log_text("queue", feed->queue.name), log_bytes("id", id),
              log_number("jobs", stopped));
    if (stopped > 0 && nonce.len > 0 && nonce.len <= LIMIT_ID_BYTES)
        say_stopping(cancels, nonce);
}

/* ---- life -------------------------------------------------------------------------- */

struct cancels *cancels_new(struct feed *feed)
{
    struct cancels *cancels = xcalloc(1, sizeof *cancels);
    cancels->feed = feed;
    STAILQ_INIT(&cancels->doubts);
    ev_timer_init(&cancels->ask, on_ask, 0, 0);
    cancels->ask.data = cancels;
    gethostname(cancels->host, sizeof cancels->host - 1);
    return cancels;
}

void cancels_free(struct cancels *cancels)
{
    struct doubt *first;
    if (cancels == NULL)
        return;
    ev_timer_stop(cancels->feed->worker->loop, &cancels->ask);
    drop_all(cancels);
    while ((first = STAILQ_FIRST(&cancels->doubts)) != NULL) {
        STAILQ_REMOVE_HEAD(&cancels->doubts, link);
        free(first);
    }
    free(cancels);
}
