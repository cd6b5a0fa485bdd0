/* SPDX-License-Identifier: MIT */
/* ask for the kept copy's validators -> fetch -> land, retry or die. */
#include "worker/refresh.h"
#include "broker/cmd.h"
#include "schema/limits.h"
#include "worker/fetch.h"

#include <stdio.h>
#include <string.h>

_Static_assert((int)FETCH_HEADER_VALUE_BYTES_MAX == (int)LIMIT_CACHE_FIELD_BYTES,
               "a kept copy has all of a header that a fetch hands out");

int refresh_prepare(struct flight *flight, struct err *err)
{
    int code = refresh_args_read(&flight->refresh, flight->attempt.envelope.args,
                                 &flight->arena, err);
    if (code == LEAT_OK)
        flight->cache_key = queue_cache_key(&flight->attempt.feed->queue,
                                            flight->refresh.key, &flight->arena);
    return code;
}

static void store(struct flight *flight, const struct fetch_result *result)
{
    struct cmd *cmd = flight_begin_land(flight);
    cmd_adds(cmd, "store");
    cmd_adds(cmd, result->etag != NULL ? result->etag : "");
    cmd_add_int(cmd, flight->refresh.max_age_ms);
    cmd_add_int(cmd, flight->refresh.stale_max_ms);
    cmd_add(cmd, result->body);
    cmd_adds(cmd, result->content_type != NULL ? result->content_type : "");
    cmd_adds(cmd, result->last_modified != NULL ? result->last_modified : "");
    cmd_add_int(cmd, result->status);
    flight_land(flight);
}

static void extend(struct flight *flight)
{
    struct cmd *cmd = flight_begin_land(flight);
    cmd_adds(cmd, "extend");
    cmd_adds(cmd, flight->etag != NULL ? flight->etag : "");
    cmd_add_int(cmd, flight->refresh.max_age_ms);
    cmd_add_int(cmd, flight->refresh.stale_max_ms);
    flight_land(flight);
}

static int is_worth_a_retry(long status)
{
    return status >= 500 || status == 429 || status == 408;
}

static void judge_status(struct flight *flight, const struct fetch_result *result)
{
    char error[64];
    int asked = flight->etag != NULL || flight->last_modified != NULL;
    snprintf(error, sizeof error, "HTTP status %ld", result->status);
    if (result->status == 304 && asked)
        extend(flight);
    else if (result->status >= 200 && result->status < 300)
        store(flight, result);
    else if (is_worth_a_retry(result->status))
        flight_retry(flight, error, result->retry_after_ms);
    else
        flight_die(flight, error);
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
    struct flight *flight = arg;
    flight->fetch = NULL;
    switch (result->end) {
    case FETCH_OK: judge_status(flight, result); break;
    case FETCH_FAILED: flight_retry(flight, result->error, 0); break;
    case FETCH_REFUSED:
    case FETCH_TOO_BIG: flight_die(flight, result->error); break;
    }
}

/* The shorter of what the args and the envelope allow. */
static int64_t timeout_of(const struct flight *flight)
{
    int64_t args_ms = flight->refresh.timeout_ms;
    int64_t job_ms = flight->attempt.envelope.timeout_ms;
    return job_ms > 0 && job_ms < args_ms ? job_ms : args_ms;
}

static void fetch(struct flight *flight)
{
    const struct refresh_args *args = &flight->refresh;
    if (flight->attempt.cancelled) {
        flight_cancel(flight);
        return;
    }
    struct fetch_request request = {
        .url = arena_dup(&flight->arena, args->url),
        .timeout_ms = timeout_of(flight),
        .body_max_bytes = LIMIT_CACHE_BODY_BYTES,
        .etag = flight->etag,
        .last_modified = flight->last_modified,
        .headers = args->headers,
        .header_count = (size_t)args->header_count,
    };
    flight->fetch =
        fetch_start(flight->attempt.feed->worker->fetcher, &request, on_fetched, flight);
}

static const char *text_or_null(struct flight *flight, const struct redisReply *reply)
{
    struct bytes text = reply_bytes(reply);
    return text.len > 0 ? arena_dup(&flight->arena, text) : NULL;
}

static void on_validators(void *arg, struct answer *answer)
{
    struct flight *flight = arg;
    flight->asking = 0;
    if (flight->abandoned) {
        flight_free(flight);
        return;
    }
    flight->etag = text_or_null(flight, reply_at(answer->reply, 0));
    flight->last_modified = text_or_null(flight, reply_at(answer->reply, 1));
    fetch(flight);
}

/* A lost or refused question only costs the conditional request. */
void refresh_start(struct flight *flight)
{
    struct worker *worker = flight->attempt.feed->worker;
    flight->etag = flight->last_modified = NULL;
    if (flight->whole) {
        fetch(flight);
        return;
    }
    cmd_set(&worker->cmd, "HMGET", NULL);
    cmd_add(&worker->cmd, flight->cache_key);
    cmd_adds(&worker->cmd, "etag");
    cmd_adds(&worker->cmd, "lm");
    flight->asking = link_send(worker->link, &worker->cmd, LINK_RESEND, 0, on_validators,
                               flight) == LEAT_OK;
}

void refresh_cancel(struct flight *flight)
{
    if (flight->fetch != NULL)
        fetch_cancel(flight->fetch);
    flight->fetch = NULL;
}
