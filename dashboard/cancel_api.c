/* SPDX-License-Identifier: MIT */
#include "dashboard/cancel_api.h"
#include "broker/cancel.h"
#include "dashboard/service.h"
#include "dashboard/track_service.h"

#include <stdlib.h>

struct cancel_call {
    struct cancel cancel;
    struct dashboard *dashboard;
    struct http_request *request;
    struct queue queue;
    struct arena arena;
};

static void call_free(struct cancel_call *call)
{
    call->dashboard->search_count--;
    cancel_fini(&call->cancel);
    arena_fini(&call->arena);
    free(call);
}

static void fail(struct cancel_call *call, const struct err *err)
{
    if (err->code == LEAT_EUSAGE)
        http_problem(call->request, 400, "Bad id", err->text);
    else
        service_fail(call->request, err->code, err->text);
    call_free(call);
}

static void on_done(struct cancel *cancel, const struct err *err)
{
    static const unsigned statuses[] = {
        [CANCEL_STOPPING] = 200, [CANCEL_WAITING] = 200, [CANCEL_ENDED] = 409,
        [CANCEL_UNSEEN] = 202,   [CANCEL_UNKNOWN] = 404, [CANCEL_UNSCHEDULED] = 200,
    };
    struct cancel_call *call = cancel->arg;
    struct buf json = {0};
    if (err != NULL) {
        fail(call, err);
        return;
    }
    cancel_json(&json, cancel);
    buf_addc(&json, '\n');
    http_answer(call->request, statuses[cancel->fate], "application/json",
                buf_bytes(&json));
    buf_fini(&json);
    call_free(call);
}

void cancel_api_post(struct dashboard *dashboard, struct http_request *request,
                     struct bytes id)
{
    struct err err = {0};
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL || service_begin_search(dashboard, request) != 0)
        return;
    struct cancel_call *call = xcalloc(1, sizeof *call);
    call->dashboard = dashboard;
    call->request = request;
    call->queue = *queue;
    call->cancel = (struct cancel){.loop = dashboard->loop,
                                   .link = dashboard->link,
                                   .watch = track_service_watch(dashboard->tracks),
                                   .queue = &call->queue,
                                   .id = arena_dup(&call->arena, id),
                                   .done = on_done,
                                   .arg = call};
    http_defer(request);
    if (cancel_start(&call->cancel, &err) != LEAT_OK)
        fail(call, &err);
}
