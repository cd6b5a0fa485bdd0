/* SPDX-License-Identifier: MIT */
#include "dashboard/track_service.h"
#include "base/text.h"
#include "broker/track.h"
#include "dashboard/service.h"

#include <ev.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
    WAIT_MAX_MS = 60 * 1000,
    READERS_MAX = 64, /* half of what a proxy may connect: others still get through */
};

static const char too_many[] = "Too many readers wait";

typedef void (*none_fn)(struct dashboard *dashboard, struct http_request *request,
                        struct bytes id);

struct track_reader { /* one request, until its answer */
    struct stream_wait wait;
    LIST_ENTRY(track_reader) link;
    struct track_service *service;
    struct http_request *request;
    struct queue queue;
    struct arena arena;
    const char *id;
    none_fn none;
    struct track_record record;
    ev_timer alarm;
};

struct track_service {
    struct dashboard *dashboard;
    struct stream_watch *watch;
    LIST_HEAD(track_reader_list, track_reader) readers;
    int count;
};

static void reader_free(struct track_reader *reader)
{
    struct track_service *service = reader->service;
    stream_watch_remove(&reader->wait);
    ev_timer_stop(service->dashboard->loop, &reader->alarm);
    LIST_REMOVE(reader, link);
    service->count--;
    track_fini(&reader->record);
    arena_fini(&reader->arena);
    free(reader);
}

/* ---- answers ----------------------------------------------------------------------- */

static void reader_fail(struct track_reader *reader, int code, const char *text)
{
    service_fail(reader->request, code, text);
    reader_free(reader);
}

static void answer_record(struct track_reader *reader)
{
    struct buf json = {0};
    track_json(&json, &reader->queue, reader->id, &reader->record);
    buf_addc(&json, '\n');
    http_answer(reader->request, 200, "application/json", buf_bytes(&json));
    buf_fini(&json);
}

static void reader_answer(struct track_reader *reader)
{
    if (reader->record.state != TRACK_NONE)
        answer_record(reader);
    else
        reader->none(reader->service->dashboard, reader->request, bytes_of(reader->id));
    reader_free(reader);
}

/* ---- at once ----------------------------------------------------------------------- */

static void on_asked(void *arg, struct answer *answer)
{
    struct track_reader *reader = arg;
    if (answer->code != LEAT_OK) {
        reader_fail(reader, answer->code, answer->text);
        return;
    }
    track_add_all(&reader->record, answer->reply);
    reader_answer(reader);
}

static int ask(struct track_reader *reader, struct err *err)
{
    struct dashboard *dashboard = reader->service->dashboard;
    stream_put_look(&dashboard->cmd, reader->wait.key);
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, on_asked, reader) == LEAT_OK)
        return LEAT_OK;
    return err_set(err, LEAT_ELINK, "There is no connection to Redis.");
}

/* ---- waiting ----------------------------------------------------------------------- */

static void on_entry(struct stream_wait *wait, const struct stream_entry *entry)
{
    struct track_reader *reader = (struct track_reader *)wait;
    if (entry == NULL)
        return;
    track_add(&reader->record, entry);
    if (!entry->is_old && track_is_end(reader->record.state))
        reader_answer(reader);
}

static void on_error(struct stream_wait *wait, const struct err *err)
{
    reader_fail((struct track_reader *)wait, err->code, err->text);
}

/* With Redis away nobody knows whether what was seen last is still so. */
static void on_alarm(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct track_reader *reader = watcher->data;
    struct track_service *service = reader->service;
    if (stream_watch_down_why(service->watch) != NULL ||
        !link_is_up(service->dashboard->link))
        reader_fail(reader, LEAT_ELINK, "There is no connection to Redis.");
    else
        reader_answer(reader);
}

static int wait_for(struct track_reader *reader, int64_t wait_ms, struct err *err)
{
    struct track_service *service = reader->service;
    if (!link_is_up(service->dashboard->link))
        return err_set(err, LEAT_ELINK, "There is no connection to Redis.");
    reader->wait.on_entry = on_entry;
    reader->wait.on_error = on_error;
    ev_timer_set(&reader->alarm, (double)wait_ms / 1000, 0);
    ev_timer_start(service->dashboard->loop, &reader->alarm);
    return stream_watch_add(service->watch, &reader->wait, err);
}

/* Those that only wait, for nobody, make room; of the others something is on its way. */
static void drop_gone(struct track_service *service)
{
    struct track_reader *next;
    for (struct track_reader *it = LIST_FIRST(&service->readers); it != NULL; it = next) {
        next = LIST_NEXT(it, link);
        if (it->wait.watch != NULL && http_is_gone(it->request)) {
            service_try_later(it->request, too_many, NULL);
            reader_free(it);
        }
    }
}

/* ---- requests ---------------------------------------------------------------------- */

/* `10` is seconds. Returns 0, or -1 after answering that it is no such time. */
static int read_wait_ms(struct http_request *request, int64_t *wait_ms)
{
    const char *text = http_query(request, "wait");
    int64_t seconds;
    *wait_ms = 0;
    if (text == NULL)
        return 0;
    if (text_to_int(bytes_of(text), &seconds) == 0 && seconds >= 0 &&
        seconds <= WAIT_MAX_MS / 1000)
        *wait_ms = seconds * 1000;
    else if (text_to_duration_ms(text, wait_ms) != 0 || *wait_ms > WAIT_MAX_MS)
        *wait_ms = -1;
    if (*wait_ms >= 0)
        return 0;
    http_problem(request, 400, "Bad wait",
                 "?wait= is a number of seconds up to 60, or a duration as 500ms.");
    return -1;
}

static struct track_reader *reader_new(struct track_service *service,
                                       struct http_request *request,
                                       const struct queue *queue, struct bytes id)
{
    struct track_reader *reader = xcalloc(1, sizeof *reader);
    reader->service = service;
    reader->request = request;
    reader->queue = *queue;
    reader->id = arena_dup(&reader->arena, id);
    ev_timer_init(&reader->alarm, on_alarm, 0, 0);
    reader->alarm.data = reader;
    LIST_INSERT_HEAD(&service->readers, reader, link);
    service->count++;
    return reader;
}

/* Returns 0, or -1: there can be no record of that name. */
static int begin(struct track_reader *reader, int64_t wait_ms)
{
    struct err err = {0};
    if (track_key(&reader->wait.key, &reader->queue, reader->id, &reader->arena, NULL) !=
        LEAT_OK)
        return -1;
    http_defer(reader->request);
    if ((wait_ms > 0 ? wait_for(reader, wait_ms, &err) : ask(reader, &err)) != LEAT_OK)
        reader_fail(reader, err.code, err.text);
    return 0;
}

void track_service_get(struct track_service *service, struct http_request *request,
                       struct bytes id, none_fn none)
{
    int64_t wait_ms;
    const struct queue *queue = service_queue(service->dashboard, request);
    if (queue == NULL || read_wait_ms(request, &wait_ms) != 0)
        return;
    if (service->count == READERS_MAX)
        drop_gone(service);
    if (service->count == READERS_MAX) {
        service_try_later(request, too_many, NULL);
        return;
    }
    struct track_reader *reader = reader_new(service, request, queue, id);
    reader->none = none;
    if (begin(reader, wait_ms) != 0)
        reader_answer(reader);
}

/* ---- life -------------------------------------------------------------------------- */

struct track_service *track_service_new(struct dashboard *dashboard,
                                        const struct redis_url *url)
{
    struct track_service *service = xcalloc(1, sizeof *service);
    service->dashboard = dashboard;
    service->watch = stream_watch_new(dashboard->loop, url, dashboard->link);
    LIST_INIT(&service->readers);
    return service;
}

struct stream_watch *track_service_watch(const struct track_service *service)
{
    return service->watch;
}

void track_service_free(struct track_service *service)
{
    if (service == NULL)
        return;
    struct track_reader *next;
    for (struct track_reader *it = LIST_FIRST(&service->readers); it != NULL; it = next) {
        next = LIST_NEXT(it, link);
        reader_fail(it, LEAT_ELINK, "Shutting down.");
    }
    stream_watch_free(service->watch);
    free(service);
}
