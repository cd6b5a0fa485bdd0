/* SPDX-License-Identifier: MIT */
/* /counters/NAME: counters read and added to at once, without a job. Each request is one
 * command on the shared link, so all that come in one turn of the loop go in one write. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/service.h"
#include "schema/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char away[] = "There is no connection to Redis.";

/* Send `dashboard->cmd`; `fn` will answer the request, which it gets as its argument. */
static void ask(struct dashboard *dashboard, struct http_request *request, answer_fn fn)
{
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, fn, request) == LEAT_OK)
        http_defer(request);
    else
        service_fail(request, LEAT_ELINK, away);
}

static void no_integer(struct http_request *request)
{
    http_problem(request, 409, "No integer",
                 "The counter holds something else than an integer of 64 bits; DELETE it "
                 "to begin anew.");
}

static void answer_value(struct http_request *request, const struct redisReply *reply)
{
    char digits[24];
    struct bytes text = reply_bytes(reply);
    int64_t value;
    if (reply_is_int(reply)) {
        snprintf(digits, sizeof digits, "%" PRId64, reply_int(reply, 0));
        text = bytes_of(digits);
    } else if (reply_is_nil(reply)) {
        text = bytes_of("0");
    } else if (text_to_int(text, &value) != 0) {
        no_integer(request);
        return;
    }
    http_answer(request, 200, SERVICE_TEXT, text);
}

static void on_value(void *arg, struct answer *answer)
{
    if (answer->code == LEAT_OK)
        answer_value(arg, answer->reply);
    else
        service_fail(arg, answer->code, answer->text);
}

/* Put `verb {leat:q}:counters NAME` together. Returns -1 after answering a bad request. */
static int begin(struct dashboard *dashboard, struct http_request *request,
                 const char *verb)
{
    struct bytes name;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL ||
        service_rest(request, "counter's name", LIMIT_COUNTER_NAME_BYTES, &name) != 0)
        return -1;
    cmd_set(&dashboard->cmd, verb, queue->counters, NULL);
    cmd_add(&dashboard->cmd, name);
    return 0;
}

void get_counter(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    if (begin(dashboard, request, "HGET") == 0)
        ask(dashboard, request, on_value);
}

/* ---- adding ------------------------------------------------------------------------- */

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

static void on_added(void *arg, struct answer *answer)
{
    struct http_request *request = arg;
    if (answer->code == LEAT_OK)
        answer_value(request, answer->reply);
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
    int64_t by;
    if (read_by(request, &by) != 0 || begin(dashboard, request, "HINCRBY") != 0)
        return;
    cmd_add_int(&dashboard->cmd, by);
    ask(dashboard, request, on_added);
    service_list_queue(dashboard);
}

/* ---- removing ----------------------------------------------------------------------- */

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
    if (begin(dashboard, request, "HDEL") == 0)
        ask(dashboard, request, on_removed);
}

void delete_counters(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL)
        return;
    cmd_set(&dashboard->cmd, "UNLINK", queue->counters, NULL);
    ask(dashboard, request, on_removed);
}
