/* SPDX-License-Identifier: MIT */
#include "dashboard/service.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const struct queue *service_queue(struct dashboard *dashboard,
                                  struct http_request *request)
{
    const char *name = http_query(request, "queue");
    struct err err = {0};
    if (name == NULL)
        name = "default";
    /* Nearly always the one of the request before, whose keys are made already. */
    if (strcmp(name, dashboard->queue.name) == 0 && name[0] != '\0')
        return &dashboard->queue;
    if (queue_init(&dashboard->queue, name, &err) == LEAT_OK) {
        dashboard->queue_is_listed = 0;
        return &dashboard->queue;
    }
    http_problem(request, 400, "Bad queue", err.text);
    return NULL;
}

static void on_listed(void *arg, struct answer *answer)
{
    struct dashboard *dashboard = arg;
    if (answer->code != LEAT_OK)
        dashboard->queue_is_listed = 0;
}

void service_list_queue(struct dashboard *dashboard)
{
    if (dashboard->queue_is_listed)
        return;
    cmd_set(&dashboard->cmd, "SADD", QUEUES_KEY, dashboard->queue.name, NULL);
    dashboard->queue_is_listed = link_send(dashboard->link, &dashboard->cmd, 0, 0,
                                           on_listed, dashboard) == LEAT_OK;
}

int service_rest(struct http_request *request, const char *what, size_t max,
                 struct bytes *out)
{
    char detail[120];
    struct bytes rest = bytes_of(http_rest(request));
    if (rest.len > 0 && rest.len <= max && text_is_utf8(rest)) {
        *out = rest;
        return 0;
    }
    snprintf(detail, sizeof detail,
             "The path ends with the %s: 1 to %zu bytes of UTF-8, percent-encoded.", what,
             max);
    http_problem(request, 400, "Bad name", detail);
    return -1;
}

int service_limit(struct http_request *request, int64_t max, int64_t initial,
                  int64_t *out)
{
    char detail[80];
    const char *text = http_query(request, "limit");
    *out = initial;
    if (text == NULL ||
        (text_to_int(bytes_of(text), out) == 0 && *out >= 1 && *out <= max))
        return 0;
    snprintf(detail, sizeof detail, "?limit= is a number from 1 to %lld.",
             (long long)max);
    http_problem(request, 400, "Bad limit", detail);
    return -1;
}

int service_begin_search(struct dashboard *dashboard, struct http_request *request)
{
    enum { SEARCHES_MAX = 16 };
    if (dashboard->search_count < SEARCHES_MAX) {
        dashboard->search_count++;
        return 0;
    }
    service_try_later(request, "Too many searches at once", NULL);
    return -1;
}

void service_try_later(struct http_request *request, const char *title,
                       const char *detail)
{
    http_add_header(request, "Retry-After", "1");
    http_problem(request, 503, title, detail);
}

void service_fail(struct http_request *request, int code, const char *text)
{
    if (code == LEAT_ELINK || code == LEAT_EBUSY)
        service_try_later(request, "Redis cannot be asked", text);
    else
        http_problem(request, 500, "Redis refused", text);
}
