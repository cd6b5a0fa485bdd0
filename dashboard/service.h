/* SPDX-License-Identifier: MIT */
/* What the counter service and the cache service share: which queue a request is about,
 * and how Redis' refusals become HTTP's. */
#ifndef LEAT_DASHBOARD_SERVICE_H
#define LEAT_DASHBOARD_SERVICE_H

#include "dashboard/dashboard.h"
#include "dashboard/http.h"

#define SERVICE_TEXT "text/plain; charset=utf-8"

/* The queue that `?queue=` names, or `default`. NULL: the name is not allowed, and that
 * was answered. Borrowed until the next call. */
const struct queue *service_queue(struct dashboard *dashboard,
                                  struct http_request *request);

/* Let the queue of the last service_queue() be listed, as producers and workers do. Redis
 * is told once in a row of requests for that queue. */
void service_list_queue(struct dashboard *dashboard);

/* What stood for the route's `*`, at most `max` bytes of UTF-8; `what` names it to
 * people. Returns 0, or -1 after answering why not. */
int service_rest(struct http_request *request, const char *what, size_t max,
                 struct bytes *out);

/* Read `?limit=`, a number from 1 to `max`, or `initial`. Returns 0, or -1 after
 * answering that it is none. */
int service_limit(struct http_request *request, int64_t max, int64_t initial,
                  int64_t *out);

/* Begin a search for jobs, each of which may hold some megabytes for a moment; it ends by
 * `dashboard->search_count--`. Returns 0, or -1 after answering that there are too
 * many. */
int service_begin_search(struct dashboard *dashboard, struct http_request *request);

/* Answer that it may work in a second: 503 with Retry-After. */
void service_try_later(struct http_request *request, const char *title,
                       const char *detail);

/* Answer with what became of a command that Redis did not carry out, or with `code` and
 * no words of Redis. What passes is a 503, the rest a 500. */
void service_fail(struct http_request *request, int code, const char *text);

#endif
