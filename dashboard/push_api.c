/* SPDX-License-Identifier: MIT */
/* POST /api/v1/jobs: the body is one job, pushed as it is. */
#include "dashboard/push_api.h"
#include "broker/due.h"
#include "dashboard/handlers.h"
#include "dashboard/problem.h"
#include "dashboard/service.h"
#include "schema/envelope.h"
#include "schema/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what both share --------------------------------------------------------------- */

static int read_due(struct http_request *request, struct pusher_due *due, struct err *err)
{
    const char *in = http_query(request, "in"), *at = http_query(request, "at");
    struct err why = {0};
    *due = (struct pusher_due){0};
    if (in != NULL && at != NULL)
        return err_set(err, LEAT_EUSAGE, "?in= and ?at= exclude each other");
    if (in != NULL && due_in(due, in, &why) != LEAT_OK)
        return err_set(err, why.code, "?in= %s", why.text);
    if (at != NULL && due_at(due, at, &why) != LEAT_OK)
        return err_set(err, why.code, "?at= %s", why.text);
    return LEAT_OK;
}

int push_api_enter(struct dashboard *dashboard, struct http_request *request,
                   struct intake_user *user, struct pusher_due *due)
{
    struct err err = {0};
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL)
        return -1;
    if (read_due(request, due, &err) != LEAT_OK)
        http_problem(request, 400, "Bad time", err.text);
    else if (intake_enter(dashboard->intake, user, queue, &err) != LEAT_OK)
        push_api_fail(request, &err, (struct bytes){0});
    return err.code == LEAT_OK ? 0 : -1;
}

void push_api_problem(struct http_request *request, unsigned status, const char *title,
                      const char *detail, struct bytes members)
{
    struct buf json = {0};
    problem_write(&json, status, title, detail);
    if (members.len > 0) {
        json.len = (size_t)((char *)memrchr(json.data, '}', json.len) - json.data);
        buf_addc(&json, ',');
        buf_add(&json, members.at, members.len);
        buf_adds(&json, "}\n");
    }
    http_answer(request, status, PROBLEM_TYPE, buf_bytes(&json));
    buf_fini(&json);
}

void push_api_fail(struct http_request *request, const struct err *err,
                   struct bytes members)
{
    static const struct {
        int code;
        unsigned status;
        const char *title;
    } rows[] = {
        {LEAT_EBUSY, 429, "Try later"},
        {LEAT_ELINK, 503, "Redis cannot be asked"},
        {LEAT_EGAP, 503, "Redis lost history"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code != err->code)
            continue;
        http_add_header(request, "Retry-After", "1");
        push_api_problem(request, rows[i].status, rows[i].title, err->text, members);
        return;
    }
    push_api_problem(request, 500, "Redis refused", err->text, members);
}

/* ---- one job ----------------------------------------------------------------------- */

struct push {
    struct intake_user user;
    struct http_request *request; /* its body is the job */
    struct pusher_due due;
    char queue[LIMIT_QUEUE_NAME_BYTES + 1];
    char id[LIMIT_ID_BYTES + 1]; /* "" when it has none */
};

static void answer_accepted(const struct push *push)
{
    char location[LIMIT_ID_BYTES + 32];
    struct buf json = {0};
    /* Neither has a character that JSON or a path would want escaped. */
    if (push->id[0] != '\0') {
        snprintf(location, sizeof location, "/api/v1/jobs/%s", push->id);
        http_add_header(push->request, "Location", location);
        buf_addf(&json, "{\"id\":\"%s\"", push->id);
    } else {
        buf_adds(&json, "{\"id\":null");
    }
    buf_addf(&json, ",\"queue\":\"%s\"}\n", push->queue);
    http_answer(push->request, 202, "application/json", buf_bytes(&json));
    buf_fini(&json);
}

static void on_progress(struct intake_user *user)
{
    struct push *push = (struct push *)user;
    if (user->err.code == LEAT_OK && user->added == 0 && intake_has_room(user)) {
        intake_add(user, http_body(push->request), push->due);
        intake_flush(user);
    }
    if (user->err.code == LEAT_OK && user->acknowledged == 0)
        return;
    if (user->acknowledged > 0)
        answer_accepted(push);
    else
        push_api_fail(push->request, &user->err, (struct bytes){0});
    intake_leave(user);
    free(push);
}

/* Returns 0 and keeps the id, or -1 after answering why it is no job. */
static int check(struct push *push)
{
    struct arena arena = {0};
    struct envelope envelope;
    struct err err = {0};
    struct bytes body = http_body(push->request);
    if (job_check(body, &arena, &err) == LEAT_OK &&
        envelope_read(&envelope, body, &arena, &err) == LEAT_OK)
        snprintf(push->id, sizeof push->id, "%.*s", (int)envelope.id.len,
                 envelope.id.len > 0 ? envelope.id.at : "");
    else
        http_problem(push->request, 400, "No job", err.text);
    arena_fini(&arena);
    return err.code == LEAT_OK ? 0 : -1;
}

void post_jobs(struct http_request *request, void *arg)
{
    struct push *push = xcalloc(1, sizeof *push);
    struct dashboard *dashboard = arg;
    push->request = request;
    push->user.on_progress = on_progress;
    if (check(push) != 0 ||
        push_api_enter(dashboard, request, &push->user, &push->due) != 0) {
        free(push);
        return;
    }
    memcpy(push->queue, dashboard->queue.name, sizeof push->queue);
    http_defer(request);
    on_progress(&push->user);
}
