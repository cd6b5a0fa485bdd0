/* SPDX-License-Identifier: MIT */
/* /api/v1/jobs/ID: what became of a tracked job. /api/v1/jobs/HANDLE: one dead job or
 * quarantined entry: shown, pushed again, removed. It is found first, then named to Redis
 * by its exact bytes, so nobody acts on another than they looked at. */
#include "base/text.h"
#include "broker/resting_find.h"
#include "broker/tails_find.h"
#include "dashboard/cancel_api.h"
#include "dashboard/handlers.h"
#include "dashboard/job_json.h"
#include "dashboard/service.h"
#include "dashboard/track_service.h"
#include "schema/failure.h"

#include <stdlib.h>
#include <string.h>

enum { SEARCH_MAX = 10000 }; /* entries of a kind looked at, at most */

struct job_call {
    struct dashboard *dashboard;
    struct http_request *request;
    struct queue queue;
    void (*act)(struct job_call *call);
    const char *word;
    struct resting found;
    struct resting_find find;
    struct tails_find tails;
    struct walk walk; /* for them */
    struct arena arena;
};

static void job_call_free(struct job_call *call)
{
    call->dashboard->search_count--;
    resting_find_fini(&call->find);
    walk_fini(&call->walk);
    arena_fini(&call->arena);
    free(call);
}

static void fail(struct job_call *call, int code, const char *text)
{
    if (code == LEAT_ENO)
        http_problem(call->request, 404, "No such job", text);
    else
        service_fail(call->request, code, text);
    job_call_free(call);
}

static void answer_json(struct job_call *call, struct buf *out)
{
    http_answer(call->request, 200, "application/json", buf_bytes(out));
    buf_fini(out);
    job_call_free(call);
}

/* ---- finding ----------------------------------------------------------------------- */

static void on_found(struct resting_find *find, const struct err *err)
{
    struct job_call *call = find->arg;
    if (err != NULL)
        fail(call, err->code, err->text);
    else
        call->act(call);
}

/* Find the job that `handle` names, then do `act` to it. */
static void find_and(void (*act)(struct job_call *call), struct dashboard *dashboard,
                     struct http_request *request, struct bytes handle)
{
    const struct queue *queue = service_queue(dashboard, request);
    if (queue == NULL || service_begin_search(dashboard, request) != 0)
        return;
    struct job_call *call = xcalloc(1, sizeof *call);
    call->dashboard = dashboard;
    call->request = request;
    call->queue = *queue;
    call->act = act;
    call->word = arena_dup(&call->arena, handle);
    call->find = (struct resting_find){.queue = &call->queue,
                                       .words = &call->word,
                                       .count = 1,
                                       .max = SEARCH_MAX,
                                       .found = &call->found,
                                       .arena = &call->arena,
                                       .done = on_found,
                                       .arg = call};
    if (resting_find_start(&call->find, dashboard->link) == LEAT_OK)
        http_defer(request);
    else
        fail(call, LEAT_ELINK, "There is no connection to Redis.");
}

/* ---- showing ----------------------------------------------------------------------- */

static void show(struct job_call *call)
{
    struct buf out = {0};
    struct job_facts facts;
    job_facts_resting(&facts, &call->found, &call->arena);
    facts.out = call->tails.out;
    facts.err = call->tails.err;
    buf_addf(&out, "{\"queue\":\"%s\",\"state\":\"%s\",", call->queue.name,
             resting_kind_name(call->found.kind));
    job_json_handle(&out, facts.handle);
    job_json_members(&out, &facts, LIMIT_ENTRY_BYTES);
    buf_adds(&out, "}\n");
    answer_json(call, &out);
}

static int on_failure(void *arg, struct bytes raw, int64_t at_ms)
{
    struct job_call *call = arg;
    return tails_find_look(&call->tails, raw, at_ms);
}

/* Whatever kept them from being read, the job itself is there. */
static void on_tails(struct walk *walk, const struct err *err)
{
    (void)err;
    show(walk->arg);
}

static void show_with_tails(struct job_call *call)
{
    call->tails = (struct tails_find){.job = call->found, .arena = &call->arena};
    call->walk = (struct walk){.link = call->dashboard->link,
                               .queue = &call->queue,
                               .source = WALK_FAILED,
                               .max = FAILURES_KEPT,
                               .entry = on_failure,
                               .done = on_tails,
                               .arg = call};
    if (call->found.kind != RESTING_DEAD || walk_start(&call->walk) != LEAT_OK)
        show(call);
}

static void find_and_show(struct dashboard *dashboard, struct http_request *request,
                          struct bytes word)
{
    find_and(show_with_tails, dashboard, request, word);
}

/* What is written as a handle is one; any other word is an id first, then an iid. */
void get_job(struct http_request *request, void *arg)
{
    struct dashboard *dashboard = arg;
    const char *word = http_rest(request);
    if (resting_is_handle(word))
        find_and_show(dashboard, request, bytes_of(word));
    else
        track_service_get(dashboard->tracks, request, bytes_of(word), find_and_show);
}

/* ---- acting ------------------------------------------------------------------------ */

static void gone(struct job_call *call)
{
    struct err err = {0};
    resting_gone(&call->found, &err);
    fail(call, err.code, err.text);
}

/* Send the command that was put together; `fn` gets its answer. */
static void send(struct job_call *call, answer_fn fn)
{
    struct dashboard *dashboard = call->dashboard;
    if (link_send(dashboard->link, &dashboard->cmd, 0, 0, fn, call) != LEAT_OK)
        fail(call, LEAT_ELINK, "The connection to Redis was lost; nothing has changed.");
}

/* Returns 0 when the job was there and Redis acted; else the request is answered. */
static int acted(struct job_call *call, const struct answer *answer)
{
    if (answer->code != LEAT_OK)
        fail(call, answer->code, answer->text);
    else if (reply_int(answer->reply, 0) == 0)
        gone(call);
    else
        return 0;
    return -1;
}

static void on_retried(void *arg, struct answer *answer)
{
    struct job_call *call = arg;
    struct buf out = {0}, handle = {0};
    if (acted(call, answer) != 0)
        return;
    resting_handle(&handle, &call->found);
    buf_adds(&out, "{\"retried\":true,\"handle\":");
    text_json_string(&out, buf_bytes(&handle));
    buf_adds(&out, "}\n");
    buf_fini(&handle);
    answer_json(call, &out);
}

static void retry(struct job_call *call)
{
    resting_put_retry(&call->dashboard->cmd, &call->queue, &call->found, &call->arena);
    send(call, on_retried);
}

static void post_retry(struct dashboard *dashboard, struct http_request *request,
                       struct bytes handle)
{
    find_and(retry, dashboard, request, handle);
}

void post_job(struct http_request *request, void *arg)
{
    static const struct {
        const char *word;
        void (*post)(struct dashboard *dashboard, struct http_request *request,
                     struct bytes name);
    } verbs[] = {{":retry", post_retry}, {":cancel", cancel_api_post}};
    struct bytes name = bytes_of(http_rest(request));
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t len = strlen(verbs[i].word);
        if (name.len <= len || strcmp(name.at + name.len - len, verbs[i].word) != 0)
            continue;
        name.len -= len;
        verbs[i].post(arg, request, name);
        return;
    }
    http_problem(request, 404, "Not found",
                 "What can be done to a job: POST /api/v1/jobs/HANDLE:retry, or "
                 "/api/v1/jobs/ID:cancel.");
}

static void on_removed(void *arg, struct answer *answer)
{
    struct job_call *call = arg;
    if (acted(call, answer) != 0)
        return;
    http_answer(call->request, 204, NULL, bytes_of(""));
    job_call_free(call);
}

static void remove_found(struct job_call *call)
{
    resting_put_remove(&call->dashboard->cmd, &call->queue, &call->found);
    send(call, on_removed);
}

void delete_job(struct http_request *request, void *arg)
{
    find_and(remove_found, arg, request, bytes_of(http_rest(request)));
}
