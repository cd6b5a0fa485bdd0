/* SPDX-License-Identifier: MIT */
/* MHD takes an answer before the body begins or when it is whole, never in between, and
 * closes the connection at once behind an answer that came before the body: its unread
 * rest then makes the kernel reset the connection, and the client may lose the answer. So
 * an answer to a request whose body is still on its way is written to the socket here,
 * the sending side is shut, and what still comes is thrown away for DRAIN_MS at most. */
#include "dashboard/http_inside.h"

#include "base/clock.h"
#include "dashboard/problem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { DRAIN_MS = 5000 };

/* On every answer, unless the handler set its own. */
static const struct {
    const char *name, *value;
} standard_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
     "require-trusted-types-for 'script'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/* MHD itself leaves out only what would split the answer. Source: RFC 9110 5.5 */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++)
        if ((*c < ' ' && *c != '\t') || *c == 0x7f)
            return;
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *response_new(const struct http_request *request,
                                         const char *content_type, struct bytes body)
{
    /* MHD wants a writable pointer although it only copies from it. */
    void *at = (void *)(uintptr_t)(body.len > 0 ? body.at : "");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, at, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        abort(); /* out of memory, as xmalloc() does */
    if (content_type != NULL)
        add_header(response, "Content-Type", content_type);
    for (const struct http_header *header = request->headers; header;
         header = header->next)
        add_header(response, header->name, header->value);
    for (unsigned i = 0; i < sizeof standard_headers / sizeof *standard_headers; i++)
        if (MHD_get_response_header(response, standard_headers[i].name) == NULL)
            MHD_add_response_header(response, standard_headers[i].name,
                                    standard_headers[i].value);
    return response;
}

void http_request_free(struct http_request *request)
{
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    buf_fini(&request->body);
    arena_fini(&request->arena);
    free(request);
}

enum MHD_Result http_answer_queue(struct http_request *request)
{
    struct MHD_Response *response = request->response;
    request->response = NULL;
    if (request->framing.codings > 0)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result result =
        MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return result;
}

/* --- before the body has ended
 * ----------------------------------------------------------- */

static enum MHD_Result add_header_line(void *arg, enum MHD_ValueKind kind,
                                       const char *name, const char *value)
{
    (void)kind;
    buf_addf(arg, "%s: %s\r\n", name, value);
    return MHD_YES;
}

static void write_head(struct buf *out, unsigned status, struct MHD_Response *response,
                       size_t body_len)
{
    char date[64];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    buf_addf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n", status,
             MHD_get_reason_phrase_for(status), date);
    MHD_get_response_headers(response, add_header_line, out);
    buf_addf(out, "Content-Length: %zu\r\n\r\n", body_len);
}

/* Nothing was sent on this connection since the answer before, so what is small enough
 * for an empty socket goes out whole. */
static void answer_early(struct http_request *request, unsigned status,
                         struct MHD_Response *response, struct bytes body)
{
    struct http_peer *peer = http_peer_of(request->connection);
    struct buf out = {0};
    write_head(&out, status, response, body.len);
    if (!request->is_head)
        buf_add(&out, body.at, body.len);
    send(peer->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(peer->fd, SHUT_WR);
    buf_fini(&out);
    MHD_destroy_response(response);
    request->phase = HTTP_DRAINING;
    peer->deadline_mono_ms = clock_mono_ms() + DRAIN_MS;
    if (request->is_suspended)
        http_request_resume(request);
}

/* A client that waits for `100 Continue` sends no body, and what frames it badly is not
 * read. */
static int is_body_coming(struct http_request *request)
{
    if (request->phase != HTTP_HEAD)
        return request->phase == HTTP_BODY;
    return request->framing.has_body && !request->is_broken &&
           http_header(request, "Expect") == NULL;
}

static void store_answer(struct http_request *request, unsigned status,
                         const char *content_type, struct bytes body)
{
    if (request->phase == HTTP_DRAINING)
        return;
    struct MHD_Response *response = response_new(request, content_type, body);
    if (is_body_coming(request)) {
        answer_early(request, status, response, body);
        return;
    }
    request->status = status;
    request->response = response;
}

/* --- answering
 * --------------------------------------------------------------------------- */

void http_defer(struct http_request *request)
{
    request->is_deferred = 1;
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    struct http_header *header = arena_alloc(&request->arena, sizeof *header);
    *header = (struct http_header){
        .next = request->headers,
        .name = arena_dup(&request->arena, bytes_of(name)),
        .value = arena_dup(&request->arena, bytes_of(value)),
    };
    request->headers = header;
}

void http_refuse(struct http_request *request, unsigned status, const char *title,
                 const char *detail)
{
    struct buf json = {0};
    problem_write(&json, status, title, detail);
    store_answer(request, status, PROBLEM_TYPE, buf_bytes(&json));
    if (request->is_suspended)
        http_request_resume(request);
    buf_fini(&json);
}

void http_answer(struct http_request *request, unsigned status, const char *content_type,
                 struct bytes body)
{
    assert(!request->is_answered);
    request->is_answered = 1;
    if (request->connection == NULL) { /* deferred, and the client is gone */
        http_request_free(request);
        return;
    }
    store_answer(request, status, content_type, body);
    if (request->is_suspended)
        http_request_resume(request);
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail)
{
    struct buf json = {0};
    problem_write(&json, status, title, detail);
    http_answer(request, status, PROBLEM_TYPE, buf_bytes(&json));
    buf_fini(&json);
}

/* --- looking at the request
 * -------------------------------------------------------------- */

static const char *lookup(struct http_request *request, enum MHD_ValueKind kind,
                          const char *name)
{
    const char *value = NULL;
    if (request->connection == NULL ||
        MHD_lookup_connection_value_n(request->connection, kind, name, strlen(name),
                                      &value, NULL) != MHD_YES)
        return NULL;
    return value != NULL ? value : "";
}

const char *http_query(struct http_request *request, const char *name)
{
    return lookup(request, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(struct http_request *request, const char *name)
{
    return lookup(request, MHD_HEADER_KIND, name);
}

const char *http_rest(struct http_request *request)
{
    return request->connection != NULL ? request->rest : NULL;
}

struct bytes http_body(struct http_request *request)
{
    return buf_bytes(&request->body);
}
