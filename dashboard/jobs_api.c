/* SPDX-License-Identifier: MIT */
/* GET /api/v1/jobs: the jobs of a queue that rest in one state. A walk of bounded length
 * looks at them page by page, so the answer says how far it looked. Of a failed run it is
 * then asked whether its job is still dead: only then it has a handle to act on. */
#include "base/text.h"
#include "dashboard/handlers.h"
#include "dashboard/job_json.h"
#include "dashboard/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEARCH_MAX = 10000,                  /* entries looked at for one answer */
    SEARCH_BYTES_MAX = 64 * 1024 * 1024, /* of them, too */
    LIMIT_MAX = 200,
    LIMIT_INITIAL = 50,
};

/* One job that will be in the answer: its text within `members`, without the handle. */
struct listed {
    size_t from, to;
    int64_t at_ms;
    struct bytes handle, dead_raw;
};

struct job_list {
    struct dashboard *dashboard;
    struct http_request *request;
    struct queue queue;
    const struct job_state *state;
    char type[LIMIT_TYPE_BYTES + 1]; /* "": any */
    int64_t limit;
    struct walk walk;
    size_t searched_bytes;
    struct arena arena;   /* of what is listed */
    struct arena scratch; /* of the entry that is looked at */
    struct buf members;
    struct listed at[LIMIT_MAX];
    int64_t count;
};

static void job_list_free(struct job_list *list)
{
    list->dashboard->search_count--;
    walk_fini(&list->walk);
    arena_fini(&list->arena);
    arena_fini(&list->scratch);
    buf_fini(&list->members);
    free(list);
}

/* ---- the answer -------------------------------------------------------------------- */

static void add_jobs(struct buf *out, const struct job_list *list)
{
    for (int64_t i = 0; i < list->count; i++) {
        const struct listed *listed = &list->at[i];
        buf_adds(out, i > 0 ? ",{" : "{");
        job_json_handle(out, listed->handle);
        buf_add(out, list->members.data + listed->from, listed->to - listed->from);
        buf_addc(out, '}');
    }
}

static void answer_list(struct job_list *list)
{
    struct buf out = {0};
    const struct walk *walk = &list->walk;
    buf_addf(&out, "{\"queue\":\"%s\",\"state\":\"%s\",\"jobs\":[", list->queue.name,
             list->state->name);
    add_jobs(&out, list);
    buf_addf(&out, "],\"searched\":%lld,\"of\":%lld,\"complete\":%s,\"at_ms\":%lld}\n",
             (long long)walk->searched, (long long)walk->of,
             walk->is_complete ? "true" : "false", (long long)walk->now_ms);
    http_answer(list->request, 200, "application/json", buf_bytes(&out));
    buf_fini(&out);
}

static void end(struct job_list *list, int code, const char *text)
{
    if (code == LEAT_OK)
        answer_list(list);
    else
        service_fail(list->request, code, text);
    job_list_free(list);
}

/* ---- are they still dead? ---------------------------------------------------------- */

/* A job that was pushed again and died of the same is there too, but since another
 * time. */
static void on_scores(void *arg, struct answer *answer)
{
    struct job_list *list = arg;
    size_t asked = 0;
    for (int64_t i = 0; i < list->count; i++)
        if (list->at[i].dead_raw.len > 0 &&
            reply_int(reply_at(answer->reply, asked++), 0) != list->at[i].at_ms)
            list->at[i].handle.len = 0;
    end(list, answer->code, answer->text);
}

static void ask_who_is_dead(struct job_list *list)
{
    struct cmd *cmd = &list->dashboard->cmd;
    int asked = 0;
    cmd_set(cmd, "ZMSCORE", list->queue.dead, NULL);
    for (int64_t i = 0; i < list->count; i++) {
        if (list->at[i].dead_raw.len == 0)
            continue;
        cmd_add(cmd, list->at[i].dead_raw);
        asked++;
    }
    if (asked == 0)
        end(list, LEAT_OK, NULL);
    else if (link_send(list->dashboard->link, cmd, 0, 0, on_scores, list) != LEAT_OK)
        end(list, LEAT_ELINK, "The connection to Redis was lost.");
}

/* ---- looking ----------------------------------------------------------------------- */

static struct bytes keep(struct job_list *list, struct bytes text)
{
    return (struct bytes){arena_dup(&list->arena, text), text.len};
}

static void add_listed(struct job_list *list, const struct job_facts *facts)
{
    struct listed *listed = &list->at[list->count++];
    listed->from = list->members.len;
    job_json_members(&list->members, facts, JOB_JSON_EXCERPT_BYTES);
    listed->to = list->members.len;
    listed->at_ms = facts->at_ms;
    listed->handle = keep(list, facts->handle);
    listed->dead_raw = keep(list, facts->dead_raw);
}

static int on_entry(void *arg, struct bytes raw, int64_t at_ms)
{
    struct job_list *list = arg;
    struct job_facts facts;
    arena_reset(&list->scratch);
    list->searched_bytes += raw.len;
    if (list->state->read(&facts, raw, at_ms, &list->scratch) == 0 &&
        (list->type[0] == '\0' || bytes_is(facts.type, list->type)))
        add_listed(list, &facts);
    return list->count == list->limit || list->searched_bytes > SEARCH_BYTES_MAX;
}

static void on_walked(struct walk *walk, const struct err *err)
{
    struct job_list *list = walk->arg;
    if (err != NULL)
        end(list, err->code, err->text);
    else
        ask_who_is_dead(list);
}

/* ---- the request ------------------------------------------------------------------- */

/* Returns 0, or -1 after answering what is wrong. */
static int read_filters(struct job_list *list)
{
    const char *state = http_query(list->request, "state");
    const char *type = http_query(list->request, "type");
    list->state = job_state_find(state != NULL ? state : "dead");
    if (list->state == NULL) {
        http_problem(list->request, 400, "Bad state",
                     "?state= is dead, bad, failed, scheduled, retrying or ready.");
        return -1;
    }
    if (type != NULL && strlen(type) > LIMIT_TYPE_BYTES) {
        http_problem(list->request, 400, "Bad type", "No job's type is so long.");
        return -1;
    }
    snprintf(list->type, sizeof list->type, "%s", type != NULL ? type : "");
    return service_limit(list->request, LIMIT_MAX, LIMIT_INITIAL, &list->limit);
}

static int read_request(struct job_list *list)
{
    const struct queue *queue = service_queue(list->dashboard, list->request);
    if (queue == NULL)
        return -1;
    list->queue = *queue;
    return read_filters(list);
}

void get_jobs(struct http_request *request, void *arg)
{
    if (service_begin_search(arg, request) != 0)
        return;
    struct job_list *list = xcalloc(1, sizeof *list);
    list->dashboard = arg;
    list->request = request;
    if (read_request(list) != 0) {
        job_list_free(list);
        return;
    }
    list->walk = (struct walk){.link = list->dashboard->link,
                               .queue = &list->queue,
                               .source = list->state->source,
                               .max = SEARCH_MAX,
                               .entry = on_entry,
                               .done = on_walked,
                               .arg = list};
    if (walk_start(&list->walk) == LEAT_OK)
        http_defer(request);
    else
        end(list, LEAT_ELINK, "There is no connection to Redis.");
}
