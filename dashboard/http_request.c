/* SPDX-License-Identifier: MIT */
/* MHD calls back, in this order for each request:
 *
 *   on_target     the request line is there: a struct http_request begins
 *   on_access     1st: the headers are there. What is refused here is answered here.
 *   on_access     with each piece of the body. A streamed one that its handler cannot
 *                 take now suspends the connection: MHD keeps the piece, reads no more.
 *   on_access     last: the request is complete. The handler runs; if it defers, the
 *                 connection is suspended, and resuming it brings one call more. MHD
 *                 takes an answer only inside these calls, so http_answer() stores it and
 *                 they queue it.
 *   on_completed  the answer is out, or the connection broke
 *
 * A suspended connection is not watched: a client that went away meanwhile is noticed
 * when its answer is written or its body is read on. Time-outs of MHD count from the last
 * byte, so a client that trickles would stay for ever; each connection therefore has a
 * deadline of ours for what it owes next. */
#include "dashboard/http_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "dashboard/access.h"
#include "dashboard/route.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const union MHD_ConnectionInfo *info_of(struct MHD_Connection *connection,
                                               enum MHD_ConnectionInfoType what)
{
    return MHD_get_connection_info(connection, what);
}

struct http_peer *http_peer_of(struct MHD_Connection *connection)
{
    return info_of(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *http_request_on_target(void *arg, const char *target,
                             struct MHD_Connection *connection)
{
    struct http_request *request = xcalloc(1, sizeof *request);
    request->server = arg;
    request->connection = connection;
    request->target = target;
    request->target_len = strlen(target);
    framing_target(&request->framing, target);
    http_peer_of(connection)->request = request;
    return request;
}

/* --- the headers are there
 * --------------------------------------------------------------- */

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    framing_header(arg, name, value);
    return MHD_YES;
}

/* MHD 0.9 leaves the strings where they came in, 1.0 does not but is strict by itself. */
static const char *framing_fault(struct http_request *request, const char *method,
                                 const char *version)
{
    struct framing *framing = &request->framing;
    struct MHD_Connection *connection = request->connection;
    framing_line(framing, method, request->target, request->target_len, version);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, framing);
    if (!request->server->is_in_place)
        return framing_verdict(framing, NULL);
    return framing_verdict(
        framing,
        method +
            info_of(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}

static void refuse_route(struct http_request *request)
{
    const char *allow =
        route_allow(&request->server->config, request->path, &request->arena);
    if (allow == NULL) {
        http_refuse(request, 404, "Not found", "Nothing is served under this path.");
        return;
    }
    http_add_header(request, "Allow", allow);
    http_refuse(request, 405, "Method not allowed",
                "See the Allow header for what this path takes.");
}

static int may_access(struct http_request *request, const char *method)
{
    const struct http_server *server = request->server;
    const struct access access = {.token = server->config.token,
                                  .is_loopback = server->listening.is_loopback};
    const struct access_request asked = {
        .method = method,
        .host = http_header(request, "Host"),
        .origin = http_header(request, "Origin"),
        .fetch_site = http_header(request, "Sec-Fetch-Site"),
        .authorization = http_header(request, "Authorization")};
    const struct access_refusal *refusal = access_judge(&access, &asked);
    if (refusal == NULL)
        return 1;
    if (refusal->status == 401)
        http_add_header(request, "WWW-Authenticate", "Bearer");
    http_refuse(request, refusal->status, refusal->title, refusal->detail);
    return 0;
}

/* What the route takes of a body, as far as the headers tell. */
static int may_body(struct http_request *request)
{
    const struct framing *framing = &request->framing;
    const struct http_route *route = request->route;
    char text[80];
    if (!framing->has_body || route->is_streamed)
        return 1;
    if (route->body_max_bytes == 0) {
        http_refuse(request, 413, "Content too large", "This path takes no body.");
        return 0;
    }
    if (framing->body_bytes <= (int64_t)route->body_max_bytes)
        return 1;
    snprintf(text, sizeof text, "This path takes at most %zu bytes.",
             route->body_max_bytes);
    http_refuse(request, 413, "Content too large", text);
    return 0;
}

static int may_enter(struct http_request *request, const char *method,
                     const char *version)
{
    const struct http_server *server = request->server;
    const char *fault = framing_fault(request, method, version);
    const char *host = http_header(request, "Host");
    if (fault != NULL) {
        request->is_broken = 1;
        http_refuse(request, 400, "Bad request", fault);
        return 0;
    }
    /* Only HTTP/1.0 may come without: health checks of load balancers do, browsers
     * never. */
    if (host != NULL && !hostcheck_passes(&server->hosts, host)) {
        http_refuse(request, 421, "Misdirected request",
                    "The Host header names another server; see --allow-host.");
        return 0;
    }
    return 1;
}

/* Without a body the connection can be kept: then the answer waits for the complete
 * request. */
static int is_refused(struct http_request *request, const char *method,
                      const char *version)
{
    if (!may_enter(request, method, version))
        return 1;
    request->route =
        route_find(&request->server->config, request->path, method, &request->rest);
    if (request->route != NULL)
        return !may_access(request, method) || !may_body(request);
    if (request->framing.has_body)
        refuse_route(request);
    return request->framing.has_body;
}

static void call_handler(struct http_request *request)
{
    request->route->handler(request, request->server->config.arg);
    assert(request->is_answered || request->is_deferred);
}

static void begin(struct http_request *request, const char *path, const char *method,
                  const char *version)
{
    struct http_server *server = request->server;
    request->path = path;
    request->is_head = strcmp(method, "HEAD") == 0;
    http_peer_of(request->connection)->deadline_mono_ms =
        clock_mono_ms() + server->config.body_deadline_ms;
    if (is_refused(request, method, version))
        return;
    if (request->route != NULL && request->route->is_streamed && server->is_closing)
        http_refuse(request, 503, HTTP_SHUTTING_DOWN, NULL);
    else if (request->route != NULL && request->route->is_streamed)
        call_handler(request);
    if (request->response == NULL && request->phase == HTTP_HEAD)
        request->phase = HTTP_BODY;
}

int http_is_gone(const struct http_request *request)
{
    if (request->connection == NULL)
        return 1;
    struct pollfd end = {.fd = http_peer_of(request->connection)->fd,
                         .events = POLLRDHUP};
    return poll(&end, 1, 0) != 0;
}

/* --- the body
 * ---------------------------------------------------------------------------- */

void http_read(struct http_request *request, const struct http_reader *reader, void *arg)
{
    assert(request->phase == HTTP_HEAD && request->route->is_streamed);
    request->is_deferred = 1;
    request->reader = reader;
    request->reader_arg = arg;
}

void http_read_on(struct http_request *request)
{
    if (request->phase == HTTP_BODY && request->is_suspended)
        http_request_resume(request);
}

/* The handler hears of the body's end once, and never behind its own answer. */
static void end_reading(struct http_request *request, int is_whole)
{
    const struct http_reader *reader = request->reader;
    request->reader = NULL;
    if (reader != NULL && !request->is_answered)
        reader->on_end(request->reader_arg, is_whole);
}

/* Returns how much of the piece was taken. */
static size_t take_streamed(struct http_request *request, struct bytes piece)
{
    size_t taken = request->reader->on_piece(request->reader_arg, piece);
    assert(taken <= piece.len);
    request->window_bytes += (int64_t)taken;
    return request->phase == HTTP_DRAINING ? piece.len : taken;
}

static size_t take(struct http_request *request, struct bytes piece)
{
    char text[80];
    if (request->phase == HTTP_DRAINING)
        return piece.len;
    if (request->reader != NULL)
        return take_streamed(request, piece);
    if (request->body.len + piece.len <= request->route->body_max_bytes) {
        buf_add(&request->body, piece.at, piece.len);
        return piece.len;
    }
    snprintf(text, sizeof text, "This path takes at most %zu bytes.",
             request->route->body_max_bytes);
    http_refuse(request, 413, "Content too large", text);
    return piece.len;
}

/* --- the request is complete
 * ------------------------------------------------------------- */

static void complete(struct http_request *request)
{
    request->phase = HTTP_WHOLE;
    http_peer_of(request->connection)->deadline_mono_ms = INT64_MAX;
    if (request->reader != NULL)
        end_reading(request, 1);
    else if (request->server->is_closing)
        http_refuse(request, 503, HTTP_SHUTTING_DOWN, NULL);
    else if (request->route == NULL)
        refuse_route(request);
    else
        call_handler(request);
}

static void suspend(struct http_request *request)
{
    request->is_suspended = 1;
    http_peer_of(request->connection)->deadline_mono_ms = INT64_MAX;
    MHD_suspend_connection(request->connection);
}

void http_request_resume(struct http_request *request)
{
    request->is_suspended = 0;
    if (request->phase ==
        HTTP_BODY) { /* a new time to send, since we held the old one up */
        request->window_bytes = 0;
        http_peer_of(request->connection)->deadline_mono_ms =
            clock_mono_ms() + request->server->config.body_deadline_ms;
    }
    MHD_resume_connection(request->connection);
    http_run_soon(request->server);
}

enum MHD_Result http_request_on_access(void *arg, struct MHD_Connection *connection,
                                       const char *path, const char *method,
                                       const char *version, const char *body,
                                       size_t *body_len, void **context)
{
    struct http_request *request = *context;
    int is_first = request->phase == HTTP_HEAD, is_piece = *body_len > 0;
    (void)arg, (void)connection;
    if (is_first)
        begin(request, path, method, version);
    else if (is_piece)
        *body_len -= take(request, (struct bytes){body, *body_len});
    else if (request->phase == HTTP_BODY)
        complete(request);
    if (request->response != NULL)
        return http_answer_queue(request);
    if (request->phase == HTTP_DRAINING) /* closed when the body has ended */
        return is_first || is_piece ? MHD_YES : MHD_NO;
    if (is_piece ? *body_len > 0 : !is_first)
        suspend(request);
    return MHD_YES;
}

/* MHD is done with the request; a handler that still owes the answer keeps it. */
static void request_end(struct http_request *request)
{
    request->connection = NULL;
    if (request->is_deferred && !request->is_answered)
        end_reading(request, 0);
    else
        http_request_free(request);
}

void http_request_on_completed(void *arg, struct MHD_Connection *connection,
                               void **context, enum MHD_RequestTerminationCode reason)
{
    const struct http_server *server = arg;
    struct http_peer *peer = http_peer_of(connection);
    (void)context, (void)reason;
    if (peer->request != NULL)
        request_end(peer->request);
    peer->request = NULL;
    peer->deadline_mono_ms = clock_mono_ms() + server->config.idle_ms;
}

/* --- connections
 * ------------------------------------------------------------------------- */

static struct http_peer *peer_new(struct http_server *server,
                                  struct MHD_Connection *connection)
{
    struct http_peer *peer = xcalloc(1, sizeof *peer);
    peer->fd = info_of(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    peer->deadline_mono_ms = clock_mono_ms() + server->config.header_deadline_ms;
    LIST_INSERT_HEAD(&server->peers, peer, link);
    server->has_new_peer = 1;
    if (!ev_is_active(&server->sweep))
        ev_timer_again(server->loop, &server->sweep);
    return peer;
}

static void peer_free(struct http_peer *peer)
{
    /* MHD 0.9 drops a request without on_completed() when its parameters fill the
     * memory. */
    if (peer->request != NULL)
        request_end(peer->request);
    LIST_REMOVE(peer, link);
    free(peer);
}

void http_request_on_connection(void *arg, struct MHD_Connection *connection,
                                void **context, enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *context = peer_new(arg, connection);
    else
        peer_free(*context);
}

int http_request_is_late(struct http_request *request)
{
    int64_t time_ms = request->server->config.body_deadline_ms;
    if (request->phase != HTTP_BODY || request->route == NULL)
        return 0;
    if (request->window_bytes >= time_ms) { /* a byte per millisecond is 1 KB/s */
        request->window_bytes = 0;
        http_peer_of(request->connection)->deadline_mono_ms = clock_mono_ms() + time_ms;
        return 1;
    }
    log_debug("body came too slowly", log_text("path", request->route->path));
    http_refuse(request, 408, "Request timeout", "The body came too slowly.");
    return 1;
}
