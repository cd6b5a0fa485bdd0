/* SPDX-License-Identifier: MIT */
#include "worker/plugin_job.h"
#include "base/text.h"
#include "schema/fields.h"
#include "schema/job_answer.h"

#include <stdio.h>
#include <string.h>

enum { ERROR_BYTES = 4096 }; /* of an error, more than anybody shows */

static struct plugin_job *job_of(struct leat_plugin_job *job)
{
    return (struct plugin_job *)(void *)job;
}

/* ---- how it ends ------------------------------------------------------------------- */

static void end_with(struct leat_plugin_job *public, enum plugin_end end,
                     const char *error, int64_t in_ms)
{
    struct plugin_job *job = job_of(public);
    struct bytes text = {error, strnlen(error, ERROR_BYTES)};
    job->end = end;
    job->in_ms = in_ms;
    job->error = arena_dup(&job->arena, text);
}

static void fail(struct leat_plugin_job *job, const char *error, int64_t retry_in_ms)
{
    end_with(job, PLUGIN_FAILED, error, retry_in_ms);
}

static void die(struct leat_plugin_job *job, const char *error)
{
    end_with(job, PLUGIN_DEAD, error, 0);
}

static void later(struct leat_plugin_job *job, int64_t again_in_ms)
{
    end_with(job, PLUGIN_LATER, "", again_in_ms);
}

/* ---- its JSON ---------------------------------------------------------------------- */

/* Append it as one line if it is one value and nothing more: its text becomes a part of
 * the answer, and could else bring members of its own (`1,"incr":{…}`), which count. */
static int add_json(struct plugin_job *job, struct buf *out, const char *what,
                    const char *json)
{
    struct members members;
    struct err why = {.code = LEAT_OK};
    struct bytes text = bytes_of(json);
    if (text.len > LIMIT_ANSWER_BYTES)
        return err_set(&job->err, LEAT_EDATA, "'%s' has %zu bytes, the limit is %d", what,
                       text.len, LIMIT_ANSWER_BYTES);
    buf_reset(&job->judged);
    buf_adds(&job->judged, "{\"json\":");
    buf_add(&job->judged, text.at, text.len);
    buf_addc(&job->judged, '}');
    if (members_read(&members, buf_bytes(&job->judged), &why) != LEAT_OK)
        return err_set(&job->err, LEAT_EDATA, "'%s' is not one JSON value: %s", what,
                       why.text);
    if (members.count != 1)
        return err_set(&job->err, LEAT_EDATA,
                       "'%s' is not one JSON value: there is more behind it", what);
    text_json_line(out, members.at[0].raw);
    return LEAT_OK;
}

/* ---- effects ----------------------------------------------------------------------- */

static struct plugin_incr *incr_of(struct plugin_job *job, const char *counter)
{
    for (int i = 0; i < job->incr_count; i++)
        if (strcmp(job->incr[i].counter, counter) == 0)
            return &job->incr[i];
    if (job->incr_count == LIMIT_EFFECTS)
        return NULL;
    struct plugin_incr *incr = &job->incr[job->incr_count++];
    *incr = (struct plugin_incr){arena_dup(&job->arena, bytes_of(counter)), 0};
    return incr;
}

/* A counter that is added to twice is one member all the same. */
static void incr(struct leat_plugin_job *public, const char *counter, int64_t by)
{
    struct plugin_job *job = job_of(public);
    if (!text_is_utf8(bytes_of(counter))) {
        err_set(&job->err, LEAT_EDATA, "'incr' has a counter that is no UTF-8");
        return;
    }
    struct plugin_incr *sum = incr_of(job, counter);
    if (sum == NULL)
        err_set(&job->err, LEAT_EDATA, "'incr' has more than %d items", LIMIT_EFFECTS);
    else if (__builtin_add_overflow(sum->by, by, &sum->by))
        err_set(&job->err, LEAT_EDATA, "'incr' adds integers from -2^53 to 2^53");
}

static void push(struct leat_plugin_job *public, const char *follow_up)
{
    struct plugin_job *job = job_of(public);
    if (job->push.len > 0)
        buf_addc(&job->push, ',');
    add_json(job, &job->push, "push", follow_up);
}

static void result(struct leat_plugin_job *public, const char *json)
{
    struct plugin_job *job = job_of(public);
    buf_reset(&job->result);
    add_json(job, &job->result, "result", json);
}

/* ---- while it runs ----------------------------------------------------------------- */

static void begin_answer(const struct plugin_job *job, struct buf *out)
{
    buf_adds(out, "{\"job\":\"");
    buf_adds(out, job->handle);
    buf_addc(out, '"');
}

/* Is what `out` has from `from` on an answer that keeps the rules? */
static int check_answer(struct plugin_job *job, const struct buf *out, size_t from,
                        struct err *err)
{
    struct job_answer answer;
    struct bytes text = {out->data + from, out->len - from};
    if (text.len > LIMIT_ANSWER_BYTES)
        return err_set(err, LEAT_EDATA, "it has %zu bytes, allowed are %d", text.len,
                       LIMIT_ANSWER_BYTES);
    return job_answer_read(&answer, text, &job->arena, err);
}

static void cut(struct buf *out, size_t len)
{
    out->len = len;
    out->data[len] = '\0';
}

static void progress(struct leat_plugin_job *public, const char *json)
{
    struct plugin_job *job = job_of(public);
    struct buf *out = &job->pipe->out;
    size_t from = out->len;
    begin_answer(job, out);
    buf_adds(out, ",\"progress\":");
    int code = add_json(job, out, "progress", json);
    buf_addc(out, '}');
    if (code != LEAT_OK || check_answer(job, out, from, &job->err) != LEAT_OK) {
        cut(out, from);
        return;
    }
    buf_addc(out, '\n');
    plugin_pipe_flush(job->pipe);
}

static int is_cancelled(struct leat_plugin_job *public)
{
    struct plugin_job *job = job_of(public);
    if (job->cancelled)
        return 1;
    plugin_pipe_look(job->pipe);
    job->cancelled = plugin_pipe_cancels(job->pipe, job->handle);
    return job->cancelled;
}

/* ---- the call ---------------------------------------------------------------------- */

struct call_text {
    struct bytes handle, id, type, queue, traceparent, tracestate, args;
    int64_t attempt, delivery, deadline_ms, token;
};

#define AT(member) offsetof(struct call_text, member)

static const struct field rows[] = {
    {"job", FIELD_TEXT, AT(handle), 1, LIMIT_ID_BYTES, 1, NULL},
    {"id", FIELD_TEXT, AT(id), 0, INT64_MAX, 0, NULL},
    {"type", FIELD_TEXT, AT(type), 0, INT64_MAX, 0, NULL},
    {"queue", FIELD_TEXT, AT(queue), 0, INT64_MAX, 0, NULL},
    {"attempt", FIELD_INT, AT(attempt), 1, UINT32_MAX, 0, NULL},
    {"delivery", FIELD_INT, AT(delivery), 1, UINT32_MAX, 0, NULL},
    {"deadline_ms", FIELD_INT, AT(deadline_ms), INT64_MIN, INT64_MAX, 0, NULL},
    {"token", FIELD_INT, AT(token), INT64_MIN, INT64_MAX, 0, NULL},
    {"traceparent", FIELD_TEXT, AT(traceparent), 0, INT64_MAX, 0, NULL},
    {"tracestate", FIELD_TEXT, AT(tracestate), 0, INT64_MAX, 0, NULL},
    {"args", FIELD_RAW, AT(args), 0, 0, 1, NULL},
};

/* End a text by a NUL, which goes where a quote, comma or bracket was. */
static const char *terminate(struct bytes text)
{
    if (text.len == 0)
        return "";
    ((char *)(uintptr_t)text.at)[text.len] = '\0';
    return text.at;
}

static void set_call(struct plugin_job *job, const struct call_text *call)
{
    struct leat_plugin_job *public = &job->job;
    job->handle = terminate(call->handle);
    public->attempt = (uint32_t)call->attempt;
    public->delivery = (uint32_t)call->delivery;
    public->id = terminate(call->id);
    public->type = terminate(call->type);
    public->queue = terminate(call->queue);
    public->traceparent = terminate(call->traceparent);
    public->tracestate = terminate(call->tracestate);
    public->deadline_ms = call->deadline_ms;
    public->token = call->token;
    public->args = terminate(call->args);
    public->args_bytes = call->args.len;
}

int plugin_job_begin(struct plugin_job *job)
{
    struct members members;
    struct call_text call = {0};
    struct err err = {.code = LEAT_OK};
    arena_reset(&job->arena);
    job->end = PLUGIN_DONE;
    job->cancelled = 0;
    job->incr_count = 0;
    job->err.code = LEAT_OK;
    buf_reset(&job->push);
    buf_reset(&job->result);
    /* The worker wrote it: that it is JSON need not be found out again. */
    if (members_index(&members, buf_bytes(&job->line), &err) != LEAT_OK ||
        fields_read(rows, sizeof rows / sizeof *rows, &members, &job->arena, &call,
                    &err) != LEAT_OK)
        return 0;
    set_call(job, &call);
    return 1;
}

/* ---- the answer -------------------------------------------------------------------- */

static void add_text(struct buf *out, const char *name, const char *text)
{
    buf_addf(out, ",\"%s\":", name);
    text_json_string(out, bytes_of(text));
}

static void add_number(struct buf *out, const char *name, int64_t number)
{
    buf_addf(out, ",\"%s\":", name);
    buf_add_int(out, number);
}

static void add_effects(const struct plugin_job *job, struct buf *out)
{
    for (int i = 0; i < job->incr_count; i++) {
        buf_adds(out, i == 0 ? ",\"incr\":{" : ",");
        text_json_string(out, bytes_of(job->incr[i].counter));
        buf_addc(out, ':');
        buf_add_int(out, job->incr[i].by);
    }
    if (job->incr_count > 0)
        buf_addc(out, '}');
    if (job->push.len > 0)
        buf_addf(out, ",\"push\":[%s]", buf_text(&job->push));
    if (job->result.len > 0)
        buf_addf(out, ",\"result\":%s", buf_text(&job->result));
}

static void add_end(const struct plugin_job *job, struct buf *out)
{
    switch (job->end) {
    case PLUGIN_DONE: add_effects(job, out); break;
    case PLUGIN_LATER: add_number(out, "again_in_ms", job->in_ms); break;
    case PLUGIN_DEAD:
        add_text(out, "error", job->error);
        buf_adds(out, ",\"retry\":false");
        break;
    case PLUGIN_FAILED:
        add_text(out, "error", job->error);
        add_number(out, "retry_in_ms", job->in_ms);
        break;
    }
    buf_addc(out, '}');
}

static int is_plain(const struct plugin_job *job)
{
    return job->end == PLUGIN_DONE && job->incr_count == 0 && job->push.len == 0 &&
           job->result.len == 0;
}

/* The rules that it broke make it a failure. */
static void refuse(const struct plugin_job *job, struct buf *out, const char *why)
{
    char error[sizeof job->err.text + sizeof "answer: "];
    snprintf(error, sizeof error, "answer: %s", why);
    begin_answer(job, out);
    add_text(out, "error", error);
    buf_addc(out, '}');
}

void plugin_job_end(struct plugin_job *job)
{
    struct buf *out = &job->pipe->out;
    size_t from = out->len;
    struct err err = {.code = LEAT_OK};
    if (job->end == PLUGIN_DONE)
        err.code = job->err.code;
    if (err.code != LEAT_OK) {
        refuse(job, out, job->err.text);
    } else {
        begin_answer(job, out);
        add_end(job, out);
        if (!is_plain(job) && check_answer(job, out, from, &err) != LEAT_OK) {
            cut(out, from);
            refuse(job, out, err.text);
        }
    }
    buf_addc(out, '\n');
    plugin_pipe_answered(job->pipe);
}

/* ---- life -------------------------------------------------------------------------- */

void plugin_job_init(struct plugin_job *job, struct plugin_pipe *pipe)
{
    *job = (struct plugin_job){
        .job = {.size = sizeof job->job,
                .fail = fail,
                .die = die,
                .later = later,
                .incr = incr,
                .push = push,
                .result = result,
                .progress = progress,
                .is_cancelled = is_cancelled},
        .pipe = pipe,
    };
}

void plugin_job_fini(struct plugin_job *job)
{
    buf_fini(&job->line);
    buf_fini(&job->judged);
    buf_fini(&job->push);
    buf_fini(&job->result);
    arena_fini(&job->arena);
}
