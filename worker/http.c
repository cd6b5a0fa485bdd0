/* SPDX-License-Identifier: MIT */
#include "worker/http.h"
#include "worker/ca_file.h"
#include "worker/call.h"
#include "worker/feed.h"
#include "worker/fetch.h"
#include "worker/signer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"

enum { AT_ONCE = 16, URL_BYTES_MAX = 2048, REASON_BYTES = 200, HEADERS_MAX = 12 };

/* Lines, each with its NUL, and where in `text` they begin. */
struct headers {
    struct buf text;
    size_t starts[HEADERS_MAX];
    size_t count;
};

/* One handler's. */
struct http {
    struct fetcher *fetcher;
    struct signer *signer;  /* NULL: nothing is signed */
    struct buf body;        /* of the newest request */
    struct headers headers; /* the same */
};

/* ---- life -------------------------------------------------------------------------- */

static int is_visible(struct bytes text, char from)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < from || text.at[i] > '~')
            return 0;
    return text.len > 0;
}

static int check_trust(const struct handler_keys *keys, struct err *err)
{
    if (keys->ca_file == NULL)
        return LEAT_OK;
    if (strncasecmp(keys->url, "https://", 8) != 0)
        return err_set(err, LEAT_ECONFIG,
                       "ca-file says who is trusted, but anybody may answer for url "
                       "'%.60s': it is no https:// address",
                       keys->url);
    return ca_file_check(keys->ca_file, err);
}

static int check(const struct handler_config *config, struct err *err)
{
    const char *url = config->keys.url;
    if (url == NULL)
        return err_set(err, LEAT_ECONFIG,
                       "url is missing: where http posts the jobs, e.g. "
                       "url = \"http://127.0.0.1:8000/jobs\"");
    struct bytes text = bytes_of(url);
    int known =
        strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    if (!known || !is_visible(text, '!') || text.len > URL_BYTES_MAX)
        return err_set(err, LEAT_ECONFIG,
                       "url '%.60s' is no http:// or https:// address of at most %d "
                       "visible ASCII characters",
                       url, URL_BYTES_MAX);
    return check_trust(&config->keys, err);
}

static void *http_open(struct handler *handler)
{
    const struct handler_config *config = handler->config;
    struct http *http = xcalloc(1, sizeof *http);
    http->fetcher = fetcher_new(handler->worker->loop, NULL);
    fetcher_limit(http->fetcher, (int)config->keys.connections);
    fetcher_trust(http->fetcher, config->keys.ca_file);
    if (config->secret_is_public)
        log_warn("everybody on this machine can read the secret: chmod o-r",
                 log_text("type", config->type),
                 log_text("file", config->keys.secret_file));
    if (config->secret != NULL)
        http->signer = signer_new(bytes_of(config->secret));
    return http;
}

static void http_close(void *state)
{
    struct http *http = state;
    fetcher_free(http->fetcher);
    signer_free(http->signer);
    buf_fini(&http->body);
    buf_fini(&http->headers.text);
    free(http);
}

static int capacity(const struct handler *handler)
{
    int64_t said = handler->config->keys.concurrency;
    return said > 0 ? (int)said : AT_ONCE;
}

/* ---- what came of it --------------------------------------------------------------- */

static int is_json(const struct fetch_result *result)
{
    const char *type = result->content_type;
    size_t len = sizeof JSON_TYPE - 1;
    if (type == NULL || strncasecmp(type, JSON_TYPE, len) != 0)
        return 0;
    return type[len] == '\0' || strchr("; \t", type[len]) != NULL;
}

/* It looks like an answer, and is none by its type: what it asks for does not happen, and
 * nobody would find out why. */
static void tell_ignored(const struct call *call, const struct fetch_result *result)
{
    const struct attempt *attempt = &call->attempt;
    const char *type = result->content_type;
    if (result->body.len > 0 && result->body.at[0] == '{')
        log_warn("handler's answer is ignored: its type is not JSON",
                 log_known("id", attempt->envelope.id),
                 log_known("iid", attempt->entry.iid),
                 log_text("type", call->handler->config->type),
                 log_text("content_type", type != NULL ? type : ""));
}

/* An answer that is wrong fails the job. One that only tells progress ends it all the
 * same: nothing comes behind it. */
static void judge_done(struct call *call, const struct fetch_result *result)
{
    struct job_answer answer = {.end = ANSWER_DONE};
    struct arena arena = {0};
    struct err err = {0};
    int code = LEAT_OK;
    if (!is_json(result))
        tell_ignored(call, result);
    else if (result->body.len > 0)
        code = job_answer_read(&answer, result->body, &arena, &err);
    answer.is_end = 1;
    if (code != LEAT_OK)
        call_fail(call, arena_printf(&arena, "answer: %s", err.text), 0);
    else
        call_answer(call, &answer);
    arena_fini(&arena);
}

/* What the peer says of its status: `error` of an answer, else the body's first line. */
static struct bytes reason_of(const struct fetch_result *result,
                              const struct job_answer *answer)
{
    struct bytes line = result->body;
    const char *end = memchr(line.at, '\n', line.len);
    if (answer->error.len > 0)
        return answer->error;
    if (end != NULL)
        line.len = (size_t)(end - line.at);
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

static void judge_failed(struct call *call, const struct fetch_result *result)
{
    struct job_answer answer = {0};
    struct arena arena = {0};
    struct buf text = {0};
    if (is_json(result))
        job_answer_read(&answer, result->body, &arena, NULL);
    struct bytes reason = reason_of(result, &answer);
    int is_dead = result->status == 410 || result->status == 422;
    int64_t wait_ms = result->retry_after_ms > answer.retry_in_ms ? result->retry_after_ms
                                                                  : answer.retry_in_ms;
    buf_addf(&text, "HTTP status %ld%s", result->status, reason.len > 0 ? ": " : "");
    text_printable(&text, reason, REASON_BYTES);
    if (is_dead || answer.end == ANSWER_DEAD)
        call_die(call, buf_text(&text));
    else
        call_fail(call, buf_text(&text), wait_ms);
    buf_fini(&text);
    arena_fini(&arena);
}

static void on_posted(void *arg, const struct fetch_result *result)
{
    struct call *call = arg;
    call->work = NULL;
    if (result->end == FETCH_TOO_BIG) {
        struct buf text = {0};
        buf_addf(&text, "answer: %s", result->error);
        call_fail(call, buf_text(&text), 0);
        buf_fini(&text);
    } else if (result->end != FETCH_OK) {
        call_fail(call, result->error, 0);
    } else if (result->status >= 200 && result->status < 300) {
        judge_done(call, result);
    } else {
        judge_failed(call, result);
    }
}

/* ---- the request ------------------------------------------------------------------- */

static void begin(struct headers *headers, const char *name)
{
    headers->starts[headers->count++] = headers->text.len;
    buf_adds(&headers->text, name);
}

static void end(struct headers *headers)
{
    buf_addc(&headers->text, '\0');
}

/* What is no visible ASCII is left out: the body has it, too. */
static void add(struct headers *headers, const char *name, struct bytes value)
{
    if (!is_visible(value, ' '))
        return;
    begin(headers, name);
    buf_add(&headers->text, value.at, value.len);
    end(headers);
}

static void add_number(struct headers *headers, const char *name, int64_t number)
{
    begin(headers, name);
    buf_add_int(&headers->text, number);
    end(headers);
}

static void add_signature(struct headers *headers, struct signer *signer,
                          struct bytes body)
{
    if (signer == NULL)
        return;
    begin(headers, "");
    signer_add_header(signer, clock_wall_ms() / 1000, body, &headers->text);
    end(headers);
}

static void add_call(struct headers *headers, const struct call *call)
{
    const struct attempt *attempt = &call->attempt;
    const struct envelope *envelope = &attempt->envelope;
    headers->count = 0;
    buf_reset(&headers->text);
    add(headers, "Content-Type: ", bytes_of(JSON_TYPE));
    add(headers, "Accept: ", bytes_of(JSON_TYPE));
    add(headers, "Leat-Id: ", attempt_id(attempt));
    add(headers, "Leat-Type: ", envelope->type);
    add(headers, "Leat-Queue: ", bytes_of(attempt->feed->queue.name));
    add_number(headers, "Leat-Attempt: ", attempt->entry.fails + 1);
    add_number(headers, "Leat-Token: ", call_token(call));
    add(headers, "traceparent: ", envelope->traceparent);
    add(headers, "tracestate: ", envelope->tracestate);
}

/* The call is stopped when its time is over: before the fetch's own time-out. */
static void start(struct call *call)
{
    struct http *http = call->handler->state;
    struct headers *headers = &http->headers;
    const struct handler_keys *keys = &call->handler->config->keys;
    const char *lines[HEADERS_MAX];
    buf_reset(&http->body);
    call_write(&http->body, call, NULL);
    struct bytes body = buf_bytes(&http->body);
    add_call(headers, call);
    add_signature(headers, http->signer, body);
    for (size_t i = 0; i < headers->count; i++)
        lines[i] = headers->text.data + headers->starts[i];
    const struct fetch_request request = {
        .url = keys->url,
        .timeout_ms = call->timeout_ms + keys->grace_ms,
        .body_max_bytes = LIMIT_ANSWER_BYTES,
        .post = &body,
        .headers = lines,
        .header_count = headers->count,
    };
    call->work = fetch_start(http->fetcher, &request, on_posted, call);
}

static void http_kill(struct call *call)
{
    fetch_cancel(call->work);
    call->work = NULL;
}

/* A peer has no other way to hear of it. */
static void stop(struct call *call)
{
    http_kill(call);
    call_fail(call, "stopped", 0);
}

const struct handler_kind http_kind = {
    .name = "http",
    .check = check,
    .open = http_open,
    .close = http_close,
    .capacity = capacity,
    .start = start,
    .stop = stop,
    .kill = http_kill,
};
