/* SPDX-License-Identifier: MIT */
/* /api/v1/queues: the queues of the overview, alone. */
#include "broker/report.h"
#include "dashboard/dashboard.h"
#include "dashboard/handlers.h"
#include "dashboard/service.h"

#include <string.h>

static void answer_json(struct http_request *request, struct buf *out)
{
    http_answer(request, 200, "application/json", buf_bytes(out));
    buf_fini(out);
}

static void write_queues(void *arg, const struct overview *overview,
                         const struct err *err)
{
    struct buf out = {0};
    if (overview == NULL) {
        service_fail(arg, err->code, err->text);
        return;
    }
    report_queues_json(&out, overview);
    answer_json(arg, &out);
}

void get_queues(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_get(dashboard->snapshot, write_queues, request);
}

static const struct overview_queue *find(const struct overview *overview,
                                         const char *name)
{
    for (int i = 0; i < overview->queue_count; i++)
        if (strcmp(overview->queues[i].name, name) == 0)
            return &overview->queues[i];
    return NULL;
}

static void write_queue(void *arg, const struct overview *overview, const struct err *err)
{
    struct buf out = {0};
    const char *name = http_rest(arg); /* NULL: the server is closed */
    if (overview == NULL) {
        service_fail(arg, err->code, err->text);
        return;
    }
    const struct overview_queue *queue = find(overview, name != NULL ? name : "");
    if (queue == NULL) {
        http_problem(arg, 404, "No such queue",
                     "Nobody pushed to a queue of this name, and no worker serves it.");
        return;
    }
    report_queue(&out, queue, TABLE_JSON);
    answer_json(arg, &out);
}

void get_queue(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    http_defer(request);
    snapshot_get(dashboard->snapshot, write_queue, request);
}
