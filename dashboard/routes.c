/* SPDX-License-Identifier: MIT */
#include "dashboard/routes.h"
#include "base/buf.h"
#include "dashboard/handlers.h"

static void get_root(struct http_request *request, void *arg)
{
    (void)arg;
    struct buf body = {0};
    buf_adds(&body, "leat " LEAT_VERSION "\n\n");
    for (size_t i = 0; i < dashboard_route_count; i++)
        buf_addf(&body, "%s %s\n", dashboard_routes[i].method, dashboard_routes[i].path);
    http_answer(request, 200, "text/plain; charset=utf-8", buf_bytes(&body));
    buf_fini(&body);
}

const struct http_route dashboard_routes[] = {
    {"GET", "/", get_root},
    {"GET", "/status", get_status},
    {"GET", "/api/v1/overview", get_overview},
    {"GET", "/metrics", get_metrics},
    {"GET", "/livez", get_livez},
    {"GET", "/readyz", get_readyz},
    {"GET", "/counters", get_counters},
    {"DELETE", "/counters", delete_counters},
    {"GET", "/counters/*", get_counter},
    {"POST", "/counters/*", post_counter},
    {"DELETE", "/counters/*", delete_counter},
};

const size_t dashboard_route_count = sizeof dashboard_routes / sizeof *dashboard_routes;
