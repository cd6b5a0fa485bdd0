/* SPDX-License-Identifier: MIT */
#include "dashboard/snapshot.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum { FRESH_MS = 1000, PING_MS = 1000 };

struct waiter {
    struct waiter *next;
    snapshot_fn fn;
    snapshot_ready_fn ready;
    void *arg;
};

struct snapshot {
    struct link *link;
    struct overview now, coming;
    int has_now, gathering;
    int64_t taken_mono_ms;
    struct waiter *waiters;
    struct cmd cmd;
    void (*on_fatal)(void *arg, const struct err *err);
    void *arg;
};

static void on_fatal(void *arg, const struct err *err)
{
    struct snapshot *snapshot = arg;
    snapshot->on_fatal(snapshot->arg, err);
}

static void on_down(void *arg, const char *why)
{
    (void)arg;
    log_warn("redis lost", log_text("err", why));
}

struct snapshot *snapshot_new(struct ev_loop *loop, const struct redis_url *url,
                              void (*fatal)(void *arg, const struct err *err), void *arg)
{
    struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);
    snapshot->on_fatal = fatal;
    snapshot->arg = arg;
    struct link_config config = {.url = *url,
                                 .name = "leat-dashboard",
                                 .give_up_ms = -1,
                                 .arg = snapshot,
                                 .on_down = on_down,
                                 .on_fatal = on_fatal};
    snapshot->link = link_new(loop, &config);
    return snapshot;
}

static void answer_all(struct snapshot *snapshot, const struct overview *overview,
                       const struct err *err)
{
    struct waiter *list = snapshot->waiters;
    snapshot->waiters = NULL; /* whoever asks meanwhile waits for the next look */
    for (struct waiter *waiter; (waiter = list) != NULL;) {
        list = waiter->next;
        waiter->fn(waiter->arg, overview, err);
        free(waiter);
    }
}

void snapshot_free(struct snapshot *snapshot)
{
    struct err err = {0};
    if (snapshot == NULL)
        return;
    link_free(snapshot->link);
    err_set(&err, LEAT_ELINK, "the dashboard is leaving");
    answer_all(snapshot, NULL, &err);
    overview_fini(&snapshot->coming);
    overview_fini(&snapshot->now);
    cmd_fini(&snapshot->cmd);
    free(snapshot);
}

static void on_gathered(void *arg, struct overview *overview, const struct err *err)
{
    struct snapshot *snapshot = arg;
    snapshot->gathering = 0;
    if (err != NULL) {
        overview_fini(overview);
        answer_all(snapshot, NULL, err);
        return;
    }
    overview_fini(&snapshot->now);
    snapshot->now = *overview;
    snapshot->coming = (struct overview){0};
    snapshot->has_now = 1;
    snapshot->taken_mono_ms = clock_mono_ms();
    answer_all(snapshot, &snapshot->now, NULL);
}

void snapshot_get(struct snapshot *snapshot, snapshot_fn fn, void *arg)
{
    if (snapshot->has_now && link_is_up(snapshot->link) &&
        clock_mono_ms() - snapshot->taken_mono_ms < FRESH_MS) {
        fn(arg, &snapshot->now, NULL);
        return;
    }
    if (!snapshot->gathering) {
        int code =
            overview_start(&snapshot->coming, snapshot->link, on_gathered, snapshot);
        if (code != LEAT_OK) {
            struct err err = {0};
            err_set(&err, code, "no connection to Redis");
            fn(arg, NULL, &err);
            return;
        }
        snapshot->gathering = 1;
    }
    struct waiter *waiter = xcalloc(1, sizeof *waiter);
    *waiter = (struct waiter){.next = snapshot->waiters, .fn = fn, .arg = arg};
    snapshot->waiters = waiter;
}

static void on_pong(void *arg, struct answer *answer)
{
    struct waiter *waiter = arg;
    struct err err = {0};
    if (answer->code != LEAT_OK)
        err_set(&err, answer->code, "%s", answer->text);
    waiter->ready(waiter->arg, answer->code != LEAT_OK ? &err : NULL);
    free(waiter);
}

void snapshot_ping(struct snapshot *snapshot, snapshot_ready_fn fn, void *arg)
{
    struct waiter *waiter = xcalloc(1, sizeof *waiter);
    *waiter = (struct waiter){.ready = fn, .arg = arg};
    cmd_set(&snapshot->cmd, "PING", NULL);
    if (link_send(snapshot->link, &snapshot->cmd, 0, PING_MS, on_pong, waiter) == LEAT_OK)
        return;
    struct err err = {0};
    err_set(&err, LEAT_ELINK, "no connection to Redis");
    fn(arg, &err);
    free(waiter);
}
