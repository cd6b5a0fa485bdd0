/* SPDX-License-Identifier: MIT */
/* /counters/NAME: counters read and added to at once, without a job. Each request is one
 * command on the shared link, so all that come in one turn of the loop go in one write;
 * or none, for a counter that was read a moment ago and did not change, see near.h. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/near.h"
#include "dashboard/service.h"
#include "schema/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Send `dashboard->cmd`; `fn`, which gets `arg`, will answer the request. Returns -1 when
 * it could not be sent, after answering that. */
static int ask(struct dashboard *dashboard, struct http_request *request, answer_fn fn,
               void *arg)
{
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, fn, arg) == LEAT_OK) {
        http_defer(request);
        return 0;
    }
    service_fail(request, LEAT_ELINK, "There is no connection to Redis.");
    return -1;
}

/* The same with a write, which is answered by its request. */
static void ask_to_write(struct dashboard *dashboard, struct http_request *request,
                         answer_fn fn)
{
    near_change(dashboard->near, &dashboard->queue);
    ask(dashboard, request, fn, request);
}

static void no_integer(struct http_request *request)
{
    http_problem(request, 409, "No integer",
                 "The counter holds something else than an integer of 64 bits; DELETE it "
                 "to begin anew.");
}

/* Put `verb {leat:q}:counters NAME` together. Returns -1 after answering a bad
 * request. */
static int begin(struct dashboard *dashboard, struct http_request *request,
                 const char *verb, struct bytes *name)
{
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL ||
        service_rest(request, "counter's name", LIMIT_COUNTER_NAME_BYTES, name) != 0)
        return -1;
    cmd_set(&dashboard->cmd, verb, queue->counters, NULL);
    cmd_add(&dashboard->cmd, *name);
    return 0;
}

/* ---- reading ----------------------------------------------------------------------- */

struct reading {
    struct near *near;
    struct http_request *request;
    uint64_t mark;
    size_t name_len;
    char name[];
};

static struct reading *reading_new(struct dashboard *dashboard,
                                   struct http_request *request, struct bytes name)
{
    struct reading *reading = xmalloc(sizeof *reading + name.len);
    *reading = (struct reading){.near = dashboard->near,
                                .request = request,
                                .mark = near_mark(dashboard->near, &dashboard->queue),
                                .name_len = name.len};
    memcpy(reading->name, name.at, name.len);
    return reading;
}

static void answer_value(struct reading *reading, const struct redisReply *reply)
{
    struct bytes name = {reading->name, reading->name_len};
    struct bytes text = reply_is_nil(reply) ? bytes_of("0") : reply_bytes(reply);
    int64_t value;
    if (text_to_int(text, &value) != 0) {
        no_integer(reading->request);
        return;
    }
    near_keep(reading->near, reading->mark, name, text);
    http_answer(reading->request, 200, SERVICE_TEXT, text);
}

static void on_value(void *arg, struct answer *answer)
{
    struct reading *reading = arg;
    if (answer->code == LEAT_OK)
        answer_value(reading, answer->reply);
    else
        service_fail(reading->request, answer->code, answer->text);
    free(reading);
}

void get_counter(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    struct bytes name, text;
    if (begin(dashboard, request, "HGET", &name) != 0)
        return;
    if (near_find(dashboard->near, &dashboard->queue, name, &text) == 0) {
        http_answer(request, 200, SERVICE_TEXT, text);
        return;
    }
    struct reading *reading = reading_new(dashboard, request, name);
    if (ask(dashboard, request, on_value, reading) != 0)
        free(reading);
}

/* ---- adding ------------------------------------------------------------------------ */

static int read_by(struct http_request *request, int64_t *by)
{
    const char *text = http_query(request, "by");
    *by = 1;
    if (text == NULL ||
        (text_to_int(bytes_of(text), by) == 0 && *by <= LIMIT_BY && *by >= -LIMIT_BY))
        return 0;
    http_problem(request, 400, "Bad step",
                 "?by= is an integer from -9007199254740992 to 9007199254740992.");
    return -1;
}

static void answer_sum(struct http_request *request, int64_t sum)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, sum);
    http_answer(request, 200, SERVICE_TEXT, bytes_of(digits));
}

static void on_added(void *arg, struct answer *answer)
{
    struct http_request *request = arg;
    if (answer->code == LEAT_OK)
        answer_sum(request, reply_int(answer->reply, 0));
    else if (strstr(answer->text, "overflow") != NULL)
        http_problem(request, 409, "Overflow",
                     "The counter would leave the range of 64-bit integers; it is as it "
                     "was.");
    else if (strstr(answer->text, "not an integer") != NULL)
        no_integer(request);
    else if (answer->code == LEAT_ELINK)
        service_fail(
            request, LEAT_ELINK,
            "The connection to Redis was lost: it may have been counted or not.");
    else
        service_fail(request, answer->code, answer->text);
}

void post_counter(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    struct bytes name;
    int64_t by;
    if (read_by(request, &by) != 0 || begin(dashboard, request, "HINCRBY", &name) != 0)
        return;
    cmd_add_int(&dashboard->cmd, by);
    ask_to_write(dashboard, request, on_added);
    service_list_queue(dashboard);
}

/* ---- removing ---------------------------------------------------------------------- */

static void on_removed(void *arg, struct answer *answer)
{
    if (answer->code == LEAT_OK)
        http_answer(arg, 204, NULL, bytes_of(""));
    else
        service_fail(arg, answer->code, answer->text);
}

void delete_counter(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    struct bytes name;
    if (begin(dashboard, request, "HDEL", &name) == 0)
        ask_to_write(dashboard, request, on_removed);
}

void delete_counters(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL)
        return;
    cmd_set(&dashboard->cmd, "UNLINK", queue->counters, NULL);
    ask_to_write(dashboard, request, on_removed);
}
