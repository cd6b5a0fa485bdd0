/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "broker/report.h"
#include "dashboard/dashboard.h"
#include "dashboard/handlers.h"

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

/* ---- what Redis tells -------------------------------------------------------------- */

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

void get_status(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_get(dashboard->snapshot, write_status, request);
}

void get_overview(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_get(dashboard->snapshot, write_overview, request);
}

void get_metrics(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_get(dashboard->snapshot, write_metrics, request);
}

/* ---- health ------------------------------------------------------------------------ */

/* That Redis is down must not restart the dashboard, so this never asks it. */
void get_livez(struct http_request *request, void *arg)
{
    (void)arg;
    http_answer(request, 200, TEXT, bytes_of("ok\n"));
}

static void write_ready(void *arg, const struct err *err)
{
    if (err != NULL)
        unavailable(arg, err);
    else
        http_answer(arg, 200, TEXT, bytes_of("ok\n"));
}

void get_readyz(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_ping(dashboard->snapshot, write_ready, request);
}
