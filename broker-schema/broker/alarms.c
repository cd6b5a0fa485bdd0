/* SPDX-License-Identifier: MIT */
#include "broker/alarms.h"

#include <string.h>

/* A text in the overview's arena. */
#define SAY(overview, ...) arena_printf(&(overview)->arena, __VA_ARGS__)

static void raise_alarm(struct overview *overview, const char *code, const char *queue,
                        const char *text)
{
    if (overview->alarm_count < OVERVIEW_ALARMS_MAX)
        overview->alarms[overview->alarm_count++] =
            (struct overview_alarm){code, queue, text};
}

static int has_worker(const struct overview *overview, const char *queue)
{
    for (int i = 0; i < overview->worker_count; i++) {
        const struct overview_worker *worker = &overview->workers[i];
        for (int k = 0; k < worker->queue_count && !worker->lost; k++)
            if (strcmp(worker->queues[k], queue) == 0)
                return 1;
    }
    return 0;
}

static void find_broken(struct overview *overview, const struct overview_queue *queue)
{
    if (queue->broken != NULL)
        raise_alarm(overview, "wrong_type", queue->name,
                    SAY(overview,
                        "a key of the queue %s holds something else; leat doctor tells "
                        "which",
                        queue->name));
}

/* Nobody has to work on a queue that is paused. */
static void find_no_worker(struct overview *overview, const struct overview_queue *queue)
{
    int64_t waiting = overview_waiting(queue);
    if (waiting > 0 && !queue->paused && !has_worker(overview, queue->name))
        raise_alarm(overview, "no_worker", queue->name,
                    SAY(overview,
                        "the queue %s has %lld waiting and no worker; start one: "
                        "leat worker -q %s",
                        queue->name, (long long)waiting, queue->name));
}

static void find_no_handler(struct overview *overview, const struct overview_queue *queue)
{
    for (int i = 0; i < queue->no_handler_count; i++)
        raise_alarm(overview, "no_handler", queue->name,
                    SAY(overview,
                        "no handler for %s in the queue %s; its jobs wait, and die after "
                        "24h: start a worker that has one",
                        queue->no_handler[i], queue->name));
}

static void find_worker_alarms(struct overview *overview)
{
    for (int i = 0; i < overview->worker_count; i++) {
        const struct overview_worker *worker = &overview->workers[i];
        if (worker->alarm[0] != '\0' && !worker->lost)
            raise_alarm(overview, "worker", NULL,
                        SAY(overview, "worker %s says: %s", worker->id, worker->alarm));
    }
}

/* It lives, for its record is young; but whatever waits, it does not take it. */
static void find_not_fetching(struct overview *overview)
{
    for (int i = 0; i < overview->worker_count; i++) {
        const struct overview_worker *worker = &overview->workers[i];
        int64_t ms = overview_unfetched_ms(overview, worker);
        if (ms > WORKER_FETCHES_MS)
            raise_alarm(overview, "not_fetching", NULL,
                        SAY(overview,
                            "worker %s on %s is alive but has not fetched for %lld s; "
                            "restart it (pid %lld), and see its log",
                            worker->id, worker->host, (long long)ms / 1000,
                            (long long)worker->pid));
    }
}

void alarms_find(struct overview *overview)
{
    static void (*const rules[])(struct overview *, const struct overview_queue *) = {
        find_broken,
        find_no_worker,
        find_no_handler,
    };
    overview->alarms =
        arena_alloc(&overview->arena, OVERVIEW_ALARMS_MAX * sizeof *overview->alarms);
    for (int i = 0; i < overview->queue_count; i++)
        for (unsigned k = 0; k < sizeof rules / sizeof *rules; k++)
            rules[k](overview, &overview->queues[i]);
    find_worker_alarms(overview);
    find_not_fetching(overview);
}
