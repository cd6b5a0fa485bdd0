/* SPDX-License-Identifier: MIT */
#include "worker/handler.h"
#include "base/clock.h"
#include "worker/call.h"
#include "worker/exec.h"
#include "worker/http.h"
#include "worker/lines.h"
#include "worker/plugin.h"
#include "worker/run.h"

#include <stdlib.h>
#include <string.h>

enum {
    WAIT_AIM_MS = 20,  /* what waits here is over within that, as a rule */
    UNKNOWN_MS = 1000, /* what a job is thought to take before any did */
    MEAN_OF = 64,      /* jobs */
    /* Two full leases: one is worked on while the next is asked for. */
    WAITING_MAX = 2 * LIMIT_LEASE_JOBS,
};

/* One file, one row. */
static const struct handler_kind *const kinds[] = {&exec_kind, &lines_kind, &http_kind,
                                                   &plugin_kind, NULL};

const struct handler_kind *handler_kind_find(const char *name)
{
    for (const struct handler_kind *const *it = kinds; *it != NULL; it++)
        if (strcmp((*it)->name, name) == 0)
            return *it;
    return NULL;
}

/* ---- life -------------------------------------------------------------------------- */

static void open_handler(struct handler *handler, struct worker *worker,
                         const struct handler_config *config)
{
    *handler = (struct handler){
        .type = {.name = config->type, .handler = handler, .backoff = &backoff_default},
        .config = config,
        .worker = worker,
        .mean_ms = UNKNOWN_MS,
        .waiting_end = &handler->first_waiting};
    if (config->kind->open != NULL)
        handler->state = config->kind->open(handler);
}

void handlers_open(struct worker *worker)
{
    int count = worker->config->handler_count;
    worker->handlers = xcalloc((size_t)count + 1, sizeof *worker->handlers);
    for (int i = 0; i < count; i++)
        open_handler(&worker->handlers[i], worker, &worker->config->handlers[i]);
}

void handlers_close(struct worker *worker)
{
    for (int i = 0; i < worker->config->handler_count; i++) {
        const struct handler *handler = &worker->handlers[i];
        if (handler->config->kind->close != NULL)
            handler->config->kind->close(handler->state);
    }
    free(worker->handlers);
}

struct handler *handler_find(const struct worker *worker, struct bytes type)
{
    for (int i = 0; i < worker->config->handler_count; i++)
        if (bytes_is(type, worker->handlers[i].type.name))
            return &worker->handlers[i];
    return NULL;
}

/* ---- how many ---------------------------------------------------------------------- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int capacity(const struct handler *handler)
{
    return handler->config->kind->capacity(handler);
}

/* Calls that would be over soon, if they came now. */
static int patience(const struct handler *handler)
{
    double soon = capacity(handler) * (double)WAIT_AIM_MS / handler->mean_ms;
    return soon < WAITING_MAX ? (int)soon : WAITING_MAX;
}

/* Is there a call it could begin with at once, if it had one? */
static int is_free(const struct handler *handler)
{
    return handler->running < capacity(handler) && handler->worker->slots_free > 0;
}

static int held(const struct handler *handler)
{
    return handler->waiting + handler->coming + handler->asked;
}

int handler_room(const struct handler *handler)
{
    int more = least(capacity(handler) - handler->running, handler->worker->slots_free);
    int room = (more > 0 ? more : 0) + patience(handler) - held(handler);
    return room > 0 ? room : 0;
}

int handler_wants(const struct handler *handler)
{
    return held(handler) > patience(handler) / 2 ? 0 : handler_room(handler);
}

/* ---- handing over ------------------------------------------------------------------ */

void handler_take(struct call *call)
{
    struct handler *handler = call->handler;
    call->next_waiting = NULL;
    *handler->waiting_end = call;
    handler->waiting_end = &call->next_waiting;
    handler->coming--;
    handler->waiting++;
}

void handler_drop(struct call *call)
{
    struct handler *handler = call->handler;
    struct call **at = &handler->first_waiting;
    while (*at != call)
        at = &(*at)->next_waiting;
    *at = call->next_waiting;
    if (call->next_waiting == NULL)
        handler->waiting_end = at;
    handler->waiting--;
}

/* The first whose lease surely lives; those of the others wait for Redis. */
static struct call *next_call(const struct handler *handler, int64_t now_mono_ms)
{
    struct call *call = handler->first_waiting;
    while (call != NULL && !run_may_start(call->run, now_mono_ms))
        call = call->next_waiting;
    return call;
}

void handler_pump(struct handler *handler)
{
    struct call *call;
    int64_t now_mono_ms = clock_mono_ms();
    while (is_free(handler) && (call = next_call(handler, now_mono_ms)) != NULL) {
        handler_drop(call);
        handler->running++;
        call_start(call);
    }
}

/* The mean of the first MEAN_OF, then a moving one over about as many. The clock's
 * milliseconds will do: how many of them a short span touches is right on average. */
static void learn(struct handler *handler, double ms)
{
    const double shortest_ms = 0.001;
    handler->done++;
    double weight = 1.0 / (double)(handler->done < MEAN_OF ? handler->done : MEAN_OF);
    handler->mean_ms += (ms - handler->mean_ms) * weight;
    if (handler->mean_ms < shortest_ms)
        handler->mean_ms = shortest_ms;
}

void handler_notice(struct handler *handler, int64_t ms)
{
    if ((double)ms > handler->mean_ms)
        handler->mean_ms = (double)ms;
}

void handler_done(struct call *call)
{
    struct handler *handler = call->handler;
    handler->running--;
    worker_pump_soon(handler->worker);
    learn(handler, (double)(call->attempt.ended_mono_ms - call->attempt.started_mono_ms));
}
