/* SPDX-License-Identifier: MIT */
#include "dashboard/cache_answer.h"
#include "dashboard/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STATE, NOW, LEFT, COPY };                          /* of a reply */
enum { BODY, TYPE, ETAG, FETCHED, FRESH, LAST_MODIFIED }; /* of its copy */

enum { VALUE_BYTES = 300 }; /* of a header: what LAND keeps is shorter */

/* Foreign content under our name: without this a kept page could act as the
 * dashboard's. */
#define SANDBOX "sandbox; default-src 'none'"

static void add_number(struct http_request *request, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    http_add_header(request, name, text);
}

/* Returns 0 when the copy has no such field. */
static int copy_text(const struct redisReply *copy, size_t field, char out[VALUE_BYTES])
{
    struct bytes text = reply_bytes(reply_at(copy, field));
    if (text.len == 0 || text.len >= VALUE_BYTES)
        return 0;
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    return 1;
}

static int64_t at_least_0(int64_t number)
{
    return number > 0 ? number : 0;
}

/* Caches between us and the reader subtract Age from max-age, so that is the whole span
 * of freshness, and what is behind it until the copy goes may be served stale. */
static void add_freshness(struct http_request *request, const struct redisReply *reply)
{
    const struct redisReply *copy = reply_at(reply, COPY);
    int64_t now_ms = reply_int(reply_at(reply, NOW), 0);
    int64_t fetched_ms = reply_int(reply_at(copy, FETCHED), now_ms);
    int64_t fresh_ms = reply_int(reply_at(copy, FRESH), fetched_ms);
    int64_t gone_ms = now_ms + at_least_0(reply_int(reply_at(reply, LEFT), 0));
    char text[100];
    snprintf(text, sizeof text, "max-age=%" PRId64 ", stale-while-revalidate=%" PRId64,
             at_least_0(fresh_ms - fetched_ms) / 1000,
             at_least_0(gone_ms - fresh_ms) / 1000);
    http_add_header(request, "Cache-Control", text);
    add_number(request, "Age", at_least_0(now_ms - fetched_ms) / 1000);
}

/* A server that sends no ETag has its copies told apart by when they were fetched. */
static void etag_of(const struct redisReply *copy, char out[VALUE_BYTES])
{
    if (!copy_text(copy, ETAG, out))
        snprintf(out, VALUE_BYTES, "W/\"%" PRIx64 "-%zx\"",
                 (uint64_t)reply_int(reply_at(copy, FETCHED), 0),
                 reply_bytes(reply_at(copy, BODY)).len);
}

void cache_answer(struct http_request *request, const struct redisReply *reply)
{
    const struct redisReply *copy = reply_at(reply, COPY);
    const char *known = http_header(request, "If-None-Match");
    char text[VALUE_BYTES];
    add_freshness(request, reply);
    http_add_header(request, "X-Cache", reply_bytes(reply_at(reply, STATE)).at);
    http_add_header(request, "Content-Security-Policy", SANDBOX);
    if (copy_text(copy, LAST_MODIFIED, text))
        http_add_header(request, "Last-Modified", text);
    etag_of(copy, text);
    http_add_header(request, "ETag", text);
    unsigned status = known != NULL && etag_is_listed(known, text) ? 304 : 200;
    int has_type = copy_text(copy, TYPE, text);
    http_answer(request, status, has_type ? text : "application/octet-stream",
                reply_bytes(reply_at(copy, BODY)));
}
