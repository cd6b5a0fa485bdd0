/* SPDX-License-Identifier: MIT */
#include "act.h"
#include "base/netguard.h"
#include "producer/command.h"
#include "tasks.h"
#include "worker/feed.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LEASE_MS = 30000, /* no lease runs out but one that was forgotten */
    DEADLINE_S = 60,  /* against hanging only */
    LOOK_MS = 5,      /* has all that was waited for come? */
    WORDS_MAX = 16,
    SLOTS = 2,
    TASKS = 4, /* at once; some end while others stay */
    LOG_BYTES = 64 * 1024,
};

int act_logged(const char *what)
{
    static char log[LOG_BYTES];
    ssize_t got = pread(STDERR_FILENO, log, sizeof log, 0);
    return got > 0 && memmem(log, (size_t)got, what, strlen(what)) != NULL;
}

/* ---- past the wire ----------------------------------------------------------------- */

static void add_job(struct stage *stage, const char *job)
{
    struct cmd *cmd = &stage->client.cmd;
    const char *at = strchr(job, '@');
    if (at == NULL)
        cmd_adds(cmd, job);
    else
        cmd_addf(cmd, "%.*s%s%s", (int)(at - job), job, stage->site.host, at + 1);
}

void act_push(struct stage *stage, const struct queue *queue, const char *const *jobs)
{
    cmd_set(&stage->client.cmd, "LPUSH", queue->list, NULL);
    while (*jobs != NULL)
        add_job(stage, *jobs++);
    past_call(&stage->client);
}

static int64_t redis_now_ms(struct stage *stage)
{
    const struct redisReply *reply = DO(stage, "TIME");
    return reply_int(reply_at(reply, 0), 0) * 1000 +
           reply_int(reply_at(reply, 1), 0) / 1000;
}

void act_schedule(struct stage *stage, const char *const *jobs, int64_t in_ms)
{
    int64_t at_ms = redis_now_ms(stage) + in_ms;
    cmd_set(&stage->client.cmd, "ZADD", stage->queue.sched, NULL);
    for (; *jobs != NULL; jobs++) {
        cmd_add_int(&stage->client.cmd, at_ms);
        add_job(stage, *jobs);
    }
    past_call(&stage->client);
}

/* ---- a worker ---------------------------------------------------------------------- */

struct shift {
    struct stage *stage;
    struct worker worker;
    const char *const *jobs; /* that come once it waits; NULL: they are there */
    int64_t ended;
    ev_timer look, deadline;
    int hangs;
};

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    ((struct shift *)watcher->data)->hangs = 1;
    ev_break(loop, EVBREAK_ALL);
}

static void on_look(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct shift *shift = watcher->data;
    struct stage *stage = shift->stage;
    const struct feed *feed = &shift->worker.feeds[0];
    if (shift->jobs != NULL && feed->state == FEED_IDLE &&
        worker_bells_armed(&shift->worker)) {
        act_push(stage, &stage->queue, shift->jobs);
        shift->jobs = NULL;
    } else if (shift->jobs == NULL &&
               reply_int(DO(stage, "HGET", stage->queue.meta, "done"), 0) ==
                   shift->ended) {
        ev_timer_stop(loop, watcher);
        worker_stop(&shift->worker, WORKER_GRACE_MS);
    }
}

static void set_timer(struct shift *shift, ev_timer *timer, double first_s, double s)
{
    ev_timer_set(timer, first_s, s);
    timer->data = shift;
    ev_timer_start(shift->worker.loop, timer);
}

/* Run a worker to its end. */
static int work(struct shift *shift, const struct worker_config *config)
{
    struct worker *worker = &shift->worker;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    site_open(&shift->stage->site, loop);
    worker_init(worker, loop, config);
    ev_init(&shift->look, on_look);
    ev_init(&shift->deadline, on_deadline);
    if (config->drain == DRAIN_NO)
        set_timer(shift, &shift->look, 0, LOOK_MS / 1000.0);
    set_timer(shift, &shift->deadline, DEADLINE_S, 0);
    ev_run(loop, 0);
    struct err fatal = worker->fatal;
    worker_fini(worker);
    ev_timer_stop(loop, &shift->look);
    ev_timer_stop(loop, &shift->deadline);
    site_close(&shift->stage->site);
    ev_loop_destroy(loop);
    if (shift->hangs || fatal.code != LEAT_OK)
        fprintf(stderr, "the worker %s\n", shift->hangs ? "hangs" : fatal.text);
    return shift->hangs || fatal.code != LEAT_OK ? -1 : 0;
}

static int run(struct shift *shift, enum drain drain, int queues, int tasks)
{
    struct err err = {0};
    struct netguard guard = {0};
    struct stage *stage = shift->stage;
    struct worker_config config = {.queues = {stage->queue.name, stage->other.name},
                                   .queue_count = queues,
                                   .slots = tasks > 0 ? tasks : SLOTS,
                                   .lease_ms = LEASE_MS,
                                   .drain = drain,
                                   .guard = &guard};
    netguard_allow(&guard, "127.0.0.1", &err);
    if (tasks > 0)
        tasks_serve(&config);
    redis_url_choose(&config.url, stage->url, &err);
    if (err.code == LEAT_OK)
        return work(shift, &config);
    fprintf(stderr, "%s\n", err.text);
    return -1;
}

int act_drain(struct stage *stage)
{
    struct shift shift = {.stage = stage};
    return run(&shift, DRAIN_ALL, 1, 0);
}

int act_drain_tasks(struct stage *stage)
{
    struct shift shift = {.stage = stage};
    return run(&shift, DRAIN_ALL, 1, TASKS);
}

int act_drain_both(struct stage *stage)
{
    struct shift shift = {.stage = stage};
    return run(&shift, DRAIN_ALL, 2, 0);
}

int act_wait(struct stage *stage, const char *const *jobs, int64_t ended)
{
    struct shift shift = {.stage = stage, .jobs = jobs, .ended = ended};
    return run(&shift, DRAIN_NO, 1, 0);
}

/* ---- a command --------------------------------------------------------------------- */

int act_command(struct stage *stage, const char *const *words)
{
    const char *argv[WORDS_MAX] = {"leat push", "--redis", stage->url, "-q",
                                   stage->queue.name};
    int argc = 5;
    while (*words != NULL && argc < WORDS_MAX - 1)
        argv[argc++] = *words++;
    return cmd_push.run(argc, (char **)(uintptr_t)argv);
}
