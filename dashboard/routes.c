/* SPDX-License-Identifier: MIT */
#include "dashboard/routes.h"
#include "broker/report.h"
#include "dashboard/snapshot.h"

#define TEXT "text/plain; charset=utf-8"

static void answer_buf(struct http_request *request, const char *type, struct buf *body)
{
    http_answer(request, 200, type, buf_bytes(body));
    buf_fini(body);
}

static void unavailable(struct http_request *request, const struct err *err)
{
    http_problem(request, 503, "Redis cannot be asked", err->text);
}

/* ---- what Redis tells --------------------------------------------------------------- */

static void write_status(void *arg, const struct overview *overview,
                         const struct err *err)
{
    struct buf body = {0};
    if (overview == NULL) {
        unavailable(arg, err);
        return;
    }
    report_text(&body, overview);
    answer_buf(arg, TEXT, &body);
}

static void write_overview(void *arg, const struct overview *overview,
                           const struct err *err)
{
    struct buf body = {0};
    if (overview == NULL) {
        unavailable(arg, err);
        return;
    }
    report_json(&body, overview, LEAT_VERSION);
    answer_buf(arg, "application/json", &body);
}

/* Metrics are there whatever happens: that Redis is away is one of them. */
static void write_metrics(void *arg, const struct overview *overview,
                          const struct err *err)
{
    (void)err;
    struct buf body = {0};
    report_metrics(&body, overview, LEAT_VERSION);
    answer_buf(arg, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void get_status(struct http_request *request, void *snapshot)
{
    http_defer(request);
    snapshot_get(snapshot, write_status, request);
}

static void get_overview(struct http_request *request, void *snapshot)
{
    http_defer(request);
    snapshot_get(snapshot, write_overview, request);
}

static void get_metrics(struct http_request *request, void *snapshot)
{
    http_defer(request);
    snapshot_get(snapshot, write_metrics, request);
}

/* ---- health ------------------------------------------------------------------------- */

/* That Redis is down must not restart the dashboard, so this never asks it. */
static void get_livez(struct http_request *request, void *snapshot)
{
    (void)snapshot;
    http_answer(request, 200, TEXT, bytes_of("ok\n"));
}

static void write_ready(void *arg, const struct err *err)
{
    if (err != NULL)
        unavailable(arg, err);
    else
        http_answer(arg, 200, TEXT, bytes_of("ok\n"));
}

static void get_readyz(struct http_request *request, void *snapshot)
{
    http_defer(request);
    snapshot_ping(snapshot, write_ready, request);
}

static void get_root(struct http_request *request, void *snapshot)
{
    (void)snapshot;
    struct buf body = {0};
    buf_adds(&body, "leat " LEAT_VERSION "\n\n");
    for (size_t i = 0; i < dashboard_route_count; i++)
        buf_addf(&body, "%s %s\n", dashboard_routes[i].method, dashboard_routes[i].path);
    answer_buf(request, TEXT, &body);
}

const struct http_route dashboard_routes[] = {
    {"GET", "/", get_root},
    {"GET", "/status", get_status},
    {"GET", "/api/v1/overview", get_overview},
    {"GET", "/metrics", get_metrics},
    {"GET", "/livez", get_livez},
    {"GET", "/readyz", get_readyz},
};

const size_t dashboard_route_count = sizeof dashboard_routes / sizeof *dashboard_routes;
