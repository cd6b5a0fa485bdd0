/* SPDX-License-Identifier: MIT */
/* ask for the kept copy's validators -> fetch -> land, retry or die. */
#include "worker/refresh.h"
#include "broker/script_call.h"
#include "worker/fetch.h"

#include <stdio.h>
#include <string.h>

int refresh_prepare(struct attempt *attempt, struct err *err)
{
    int code = refresh_args_read(&attempt->refresh, attempt->envelope.args,
                                 &attempt->arena, err);
    if (code == LEAT_OK)
        attempt->cache_key =
            queue_cache_key(&attempt->feed->queue, attempt->refresh.key, &attempt->arena);
    return code;
}

static void store(struct attempt *attempt, const struct fetch_result *result)
{
    struct cmd *cmd = &attempt->feed->worker->cmd;
    call_land(cmd, &attempt->feed->queue, attempt->cache_key, attempt->lease);
    cmd_adds(cmd, "store");
    cmd_adds(cmd, result->etag != NULL ? result->etag : "");
    cmd_add_int(cmd, attempt->refresh.max_age_ms);
    cmd_add_int(cmd, attempt->refresh.stale_max_ms);
    cmd_add(cmd, result->body);
    cmd_adds(cmd, result->content_type != NULL ? result->content_type : "");
    cmd_adds(cmd, result->last_modified != NULL ? result->last_modified : "");
    cmd_add_int(cmd, result->status);
    attempt_land(attempt, cmd);
}

static void extend(struct attempt *attempt)
{
    struct cmd *cmd = &attempt->feed->worker->cmd;
    call_land(cmd, &attempt->feed->queue, attempt->cache_key, attempt->lease);
    cmd_adds(cmd, "extend");
    cmd_adds(cmd, attempt->etag != NULL ? attempt->etag : "");
    cmd_add_int(cmd, attempt->refresh.max_age_ms);
    cmd_add_int(cmd, attempt->refresh.stale_max_ms);
    attempt_land(attempt, cmd);
}

static int is_worth_a_retry(long status)
{
    return status >= 500 || status == 429 || status == 408;
}

static void judge_status(struct attempt *attempt, const struct fetch_result *result)
{
    char error[64];
    int asked = attempt->etag != NULL || attempt->last_modified != NULL;
    snprintf(error, sizeof error, "HTTP status %ld", result->status);
    if (result->status == 304 && asked)
        extend(attempt);
    else if (result->status >= 200 && result->status < 300)
        store(attempt, result);
    else if (is_worth_a_retry(result->status))
        attempt_retry(attempt, error, result->retry_after_ms);
    else
        attempt_die(attempt, error);
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
    struct attempt *attempt = arg;
    attempt->fetch = NULL;
    switch (result->end) {
    case FETCH_OK: judge_status(attempt, result); break;
    case FETCH_FAILED: attempt_retry(attempt, result->error, 0); break;
    case FETCH_REFUSED:
    case FETCH_TOO_BIG: attempt_die(attempt, result->error); break;
    }
}

/* The shorter of what the args and the envelope allow. */
static int64_t timeout_of(const struct attempt *attempt)
{
    int64_t args_ms = attempt->refresh.timeout_ms;
    int64_t job_ms = attempt->envelope.timeout_ms;
    return job_ms > 0 && job_ms < args_ms ? job_ms : args_ms;
}

static void fetch(struct attempt *attempt)
{
    const struct refresh_args *args = &attempt->refresh;
    struct fetch_request request = {
        .url = arena_dup(&attempt->arena, args->url),
        .timeout_ms = timeout_of(attempt),
        .body_max_bytes = LIMIT_CACHE_BODY_BYTES,
        .etag = attempt->etag,
        .last_modified = attempt->last_modified,
        .headers = args->headers,
        .header_count = (size_t)args->header_count,
    };
    attempt->fetch =
        fetch_start(attempt->feed->worker->fetcher, &request, on_fetched, attempt);
}

static const char *text_or_null(struct attempt *attempt, const struct redisReply *reply)
{
    struct bytes text = reply_bytes(reply);
    return text.len > 0 ? arena_dup(&attempt->arena, text) : NULL;
}

static void on_validators(void *arg, struct answer *answer)
{
    struct attempt *attempt = arg;
    attempt->asking = 0;
    if (attempt->abandoned) {
        attempt_free(attempt);
        return;
    }
    attempt->etag = text_or_null(attempt, reply_at(answer->reply, 0));
    attempt->last_modified = text_or_null(attempt, reply_at(answer->reply, 1));
    fetch(attempt);
}

/* A lost or refused question only costs the conditional request. */
void refresh_start(struct attempt *attempt)
{
    struct worker *worker = attempt->feed->worker;
    attempt->etag = attempt->last_modified = NULL;
    if (attempt->whole) {
        fetch(attempt);
        return;
    }
    cmd_set(&worker->cmd, "HMGET", NULL);
    cmd_add(&worker->cmd, attempt->cache_key);
    cmd_adds(&worker->cmd, "etag");
    cmd_adds(&worker->cmd, "lm");
    attempt->asking = link_send(worker->link, &worker->cmd, LINK_RESEND, 0, on_validators,
                                attempt) == LEAT_OK;
}

void refresh_cancel(struct attempt *attempt)
{
    if (attempt->fetch != NULL)
        fetch_cancel(attempt->fetch);
    attempt->fetch = NULL;
}
