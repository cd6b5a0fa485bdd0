/* SPDX-License-Identifier: MIT */
/* What became of tracked jobs, for HTTP: their records, and waiting for their ends. All
 * who wait share one connection, on which Redis tells of what happens. */
#ifndef LEAT_DASHBOARD_TRACK_SERVICE_H
#define LEAT_DASHBOARD_TRACK_SERVICE_H

#include "broker/redis_url.h"
#include "dashboard/dashboard.h"
#include "dashboard/http.h"

struct track_service;

/* Owns: the caller frees, before the link of `dashboard` and after the server was closed;
 * the loop must not turn in between. */
struct track_service *track_service_new(struct dashboard *dashboard,
                                        const struct redis_url *url);
void track_service_free(struct track_service *service);

/* For who waits for another stream, too. */
struct stream_watch *track_service_watch(const struct track_service *service);

/* Answer with the record of the job that `id` names; with `?wait=` once it has ended, or
 * when that time is over. Where there is no record `none` answers instead, with the same
 * id. */
void track_service_get(struct track_service *service, struct http_request *request,
                       struct bytes id,
                       void (*none)(struct dashboard *dashboard,
                                    struct http_request *request, struct bytes id));

#endif
