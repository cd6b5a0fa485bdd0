/* SPDX-License-Identifier: MIT */
#include "dashboard/cache_service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/script_call.h"
#include "dashboard/cache_answer.h"
#include "dashboard/handlers.h"
#include "dashboard/service.h"
#include "schema/envelope.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    WAIT_MAX_MS = 60 * 1000,
    ASK_AGAIN_MS = 100,
    WAITING_MAX = 64, /* half of what a proxy may connect: others still get through */
};

static const char too_many[] = "Too many readers wait";

struct cache_read { /* one reader, from its request to its answer */
    LIST_ENTRY(cache_read) link;
    struct cache_service *service;
    struct http_request *request;
    struct queue queue;
    struct arena arena;
    struct bytes cache_key;
    int64_t deadline_mono_ms;
    unsigned char is_asking, is_waiting, is_counted;
};

struct cache_service {
    struct dashboard *dashboard;
    LIST_HEAD(cache_read_list, cache_read) reads;
    int waiting_count;
    ev_timer again;
};

static void read_free(struct cache_read *read)
{
    read->service->waiting_count -= read->is_waiting;
    LIST_REMOVE(read, link);
    arena_fini(&read->arena);
    free(read);
}

static void read_fail(struct cache_read *read, int code, const char *text)
{
    service_fail(read->request, code, text);
    read_free(read);
}

/* ---- asking for a stale copy again ------------------------------------------------- */

static void on_pushed(void *arg, struct answer *answer)
{
    (void)arg;
    if (answer->code != LEAT_OK)
        log_debug("a stale copy was not asked for", log_number("code", answer->code));
}

/* The job that brought the copy, without what belonged to that one push: its id and
 * expiry. Lost on the way it is pushed for a later reader; twice in the queue it is
 * fetched once. */
static void push_again(struct cache_read *read, struct bytes job)
{
    struct dashboard *dashboard = read->service->dashboard;
    struct envelope envelope;
    struct buf payload = {0};
    if (envelope_read(&envelope, job, &read->arena, NULL) != LEAT_OK)
        return;
    buf_adds(&payload, "{\"type\":\"refresh\",\"args\":");
    buf_add(&payload, envelope.args.at, envelope.args.len);
    if (envelope.retry.len > 0) {
        buf_adds(&payload, ",\"retry\":");
        buf_add(&payload, envelope.retry.at, envelope.retry.len);
    }
    if (envelope.timeout_ms > 0)
        buf_addf(&payload, ",\"timeout_ms\":%lld", (long long)envelope.timeout_ms);
    buf_addc(&payload, '}');
    cmd_set(&dashboard->cmd, "LPUSH", read->queue.list, NULL);
    cmd_add(&dashboard->cmd, buf_bytes(&payload));
    link_send(dashboard->link, &dashboard->cmd, 0, 0, on_pushed, NULL);
    buf_fini(&payload);
}

/* ---- reading ----------------------------------------------------------------------- */

static void read_give_up(struct cache_read *read, int is_pending)
{
    if (is_pending)
        http_problem(read->request, 504, "Not there yet",
                     "The copy is being fetched; ?wait=5s waits for it.");
    else
        http_problem(
            read->request, 404, "No such copy",
            "Push a refresh for this key first; it is the url, or the job's key.");
    read_free(read);
}

/* Those that only wait, for nobody, make room; the others are being asked for. */
static void drop_gone(struct cache_service *service)
{
    for (struct cache_read *read = LIST_FIRST(&service->reads), *next; read;
         read = next) {
        next = LIST_NEXT(read, link);
        if (read->is_waiting && !read->is_asking && http_is_gone(read->request)) {
            service_try_later(read->request, too_many, NULL);
            read_free(read);
        }
    }
}

/* There is no copy. Stays with those who wait, unless its time is up. */
static void read_wait(struct cache_read *read, int is_pending)
{
    struct cache_service *service = read->service;
    if (clock_mono_ms() >= read->deadline_mono_ms) {
        read_give_up(read, is_pending);
        return;
    }
    if (read->is_waiting)
        return;
    if (service->waiting_count == WAITING_MAX)
        drop_gone(service);
    if (service->waiting_count == WAITING_MAX) {
        service_try_later(read->request, too_many, NULL);
        read_free(read);
        return;
    }
    read->is_waiting = 1;
    service->waiting_count++;
    if (!ev_is_active(&service->again))
        ev_timer_again(service->dashboard->loop, &service->again);
}

static void on_read(void *arg, struct answer *answer)
{
    struct cache_read *read = arg;
    read->is_asking = 0;
    if (answer->code != LEAT_OK) {
        read_fail(read, answer->code, answer->text);
        return;
    }
    struct bytes state = reply_bytes(reply_at(answer->reply, 0));
    if (bytes_is(state, "unknown") || bytes_is(state, "pending")) {
        int is_pending = bytes_is(state, "pending");
        if (is_pending)
            read->is_counted = 1;
        read_wait(read, is_pending);
        return;
    }
    struct bytes job = reply_bytes(reply_at(answer->reply, 4));
    if (job.len > 0)
        push_again(read, job);
    cache_answer(read->request, answer->reply);
    read_free(read);
}

static void read_ask(struct cache_read *read)
{
    struct dashboard *dashboard = read->service->dashboard;
    script_read(&dashboard->cmd, &read->queue, read->cache_key, read->is_counted,
                read->is_waiting);
    read->is_asking = 1;
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, on_read, read) != LEAT_OK)
        read_fail(read, LEAT_ELINK, "There is no connection to Redis.");
}

static void on_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct cache_service *service = watcher->data;
    for (struct cache_read *read = LIST_FIRST(&service->reads), *next; read;
         read = next) {
        next = LIST_NEXT(read, link);
        if (read->is_waiting && !read->is_asking)
            read_ask(read);
    }
    if (service->waiting_count == 0)
        ev_timer_stop(loop, watcher);
}

/* ---- requests ---------------------------------------------------------------------- */

static int read_wait_ms(struct http_request *request, int64_t *wait_ms)
{
    const char *text = http_query(request, "wait");
    *wait_ms = 0;
    if (text == NULL ||
        (text_to_duration_ms(text, wait_ms) == 0 && *wait_ms <= WAIT_MAX_MS))
        return 0;
    http_problem(request, 400, "Bad wait",
                 "?wait= is a duration up to 60s, as 5s or 500ms.");
    return -1;
}

void get_cache(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    struct cache_service *service = dashboard->cache;
    struct bytes key;
    int64_t wait_ms;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL ||
        service_rest(request, "copy's key", LIMIT_CACHE_KEY_BYTES, &key) != 0 ||
        read_wait_ms(request, &wait_ms) != 0)
        return;
    struct cache_read *read = xcalloc(1, sizeof *read);
    read->service = service;
    read->request = request;
    read->queue = *queue;
    read->cache_key = queue_cache_key(queue, key, &read->arena);
    read->deadline_mono_ms = clock_mono_ms() + wait_ms;
    LIST_INSERT_HEAD(&service->reads, read, link);
    http_defer(request);
    read_ask(read);
}

static void on_removed(void *arg, struct answer *answer)
{
    if (answer->code != LEAT_OK)
        service_fail(arg, answer->code, answer->text);
    else if (reply_int(answer->reply, 0) == 0)
        http_problem(arg, 404, "No such copy", NULL);
    else
        http_answer(arg, 204, NULL, bytes_of(""));
}

void delete_cache(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    struct bytes key;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL ||
        service_rest(request, "copy's key", LIMIT_CACHE_KEY_BYTES, &key) != 0)
        return;
    cmd_set(&dashboard->cmd, "UNLINK", NULL);
    cmd_add(&dashboard->cmd, queue_cache_key(queue, key, &dashboard->cmd.scratch));
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, on_removed, request) == LEAT_OK)
        http_defer(request);
    else
        service_fail(request, LEAT_ELINK, "There is no connection to Redis.");
}

/* ---- life -------------------------------------------------------------------------- */

struct cache_service *cache_service_new(struct dashboard *dashboard)
{
    struct cache_service *service = xcalloc(1, sizeof *service);
    service->dashboard = dashboard;
    LIST_INIT(&service->reads);
    ev_timer_init(&service->again, on_again, 0, ASK_AGAIN_MS / 1000.0);
    service->again.data = service;
    return service;
}

void cache_service_free(struct cache_service *service)
{
    if (service == NULL)
        return;
    for (struct cache_read *read = LIST_FIRST(&service->reads), *next; read;
         read = next) {
        next = LIST_NEXT(read, link);
        read_fail(read, LEAT_ELINK, "Shutting down.");
    }
    ev_timer_stop(service->dashboard->loop, &service->again);
    free(service);
}
