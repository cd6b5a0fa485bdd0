/* SPDX-License-Identifier: MIT */
#include "dashboard/routes.h"
#include "base/buf.h"
#include "dashboard/handlers.h"
#include "schema/limits.h"

#include <string.h>

static void list_paths(struct http_request *request)
{
    struct buf body = {0};
    buf_adds(&body, "leat " LEAT_VERSION "\n\n");
    for (size_t i = 0; i < dashboard_route_count; i++)
        buf_addf(&body, "%s %s\n", dashboard_routes[i].method, dashboard_routes[i].path);
    http_add_header(request, "Vary", "Accept");
    http_answer(request, 200, "text/plain; charset=utf-8", buf_bytes(&body));
    buf_fini(&body);
}

/* Browsers name text/html; whoever names text/plain alone wants to know what is here. */
static void get_root(struct http_request *request, void *arg)
{
    const char *accept = http_header(request, "Accept");
    if (accept != NULL && strstr(accept, "text/plain") && !strstr(accept, "text/html"))
        list_paths(request);
    else
        get_page(request, arg);
}

const struct http_route dashboard_routes[] = {
    {"GET", "/", get_root},
    {"GET", "/page.css", get_page_style},
    {"GET", "/page.js", get_page_script},
    {"GET", "/page/*", get_page_module},
    {"GET", "/status", get_status},
    {"GET", "/api/v1/overview", get_overview},
    {"GET", "/api/v1/queues", get_queues},
    {"GET", "/api/v1/queues/*", get_queue},
    {"GET", "/api/v1/jobs", get_jobs},
    {"GET", "/api/v1/jobs/*", get_job},
    {"POST", "/api/v1/jobs/*", post_job},
    {"DELETE", "/api/v1/jobs/*", delete_job},
    {"GET", "/api/v1/counters", get_top_counters},
    {"GET", "/api/v1/cache", get_copies},
    {"POST", "/api/v1/jobs", post_jobs, .body_max_bytes = LIMIT_PAYLOAD_BYTES},
    {"POST", "/api/v1/jobs:bulk", post_jobs_bulk, .is_streamed = 1},
    {"GET", "/metrics", get_metrics},
    {"GET", "/livez", get_livez},
    {"GET", "/readyz", get_readyz},
    {"GET", "/counters", get_counters},
    {"DELETE", "/counters", delete_counters},
    {"GET", "/counters/*", get_counter},
    {"POST", "/counters/*", post_counter},
    {"DELETE", "/counters/*", delete_counter},
    {"GET", "/cache/*", get_cache},
    {"DELETE", "/cache/*", delete_cache},
};

const size_t dashboard_route_count = sizeof dashboard_routes / sizeof *dashboard_routes;
