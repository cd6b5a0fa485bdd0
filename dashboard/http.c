/* SPDX-License-Identifier: MIT */
/* How it works. libmicrohttpd (MHD) runs without a thread: its epoll descriptor is one ev_io of
 * our loop, and before each sleep its next deadline becomes an ev_timer. MHD_run() then calls
 * back, in this order for each request:
 *
 *   on_target     the request line is there: a struct http_request begins
 *   on_access     1st: the headers are there. What is refused here is answered here, and MHD
 *                 closes the connection then, since a body may follow that nobody reads.
 *   on_access     2nd: the request is complete. The handler runs; if it defers, the connection
 *                 is suspended, and resuming it brings a 3rd call. MHD takes an answer only
 *                 inside these calls, so http_answer() stores it and they queue it.
 *   on_completed  the answer is out, or the connection broke
 *
 * A suspended connection is not watched: a client that went away meanwhile is noticed when its
 * answer is written. Time-outs of MHD count from the last byte, so a client that trickles would
 * stay for ever; each connection therefore has a deadline of ours for its next headers, and a
 * sweep shuts the late ones down. */
#include "dashboard/http.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "dashboard/framing.h"
#include "dashboard/hostcheck.h"
#include "dashboard/listen.h"
#include "dashboard/problem.h"
#include "dashboard/route.h"

#include <assert.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define SHUTTING_DOWN "Shutting down"

enum {
    CONNECTION_MEMORY_BYTES = 32 * 1024, /* bounds the header block, too */
    CONNECTIONS_MAX = 256,
    CONNECTIONS_PER_IP_MAX = 128,
    HEADER_DEADLINE_MS = 10 * 1000,
    IDLE_MS = 30 * 1000,
    SWEEP_MS = 1000,
    RUNS_IN_A_ROW = 4, /* before others in the loop have their turn */
};

struct peer { /* one connection */
    LIST_ENTRY(peer) link;
    int fd;
    int64_t deadline_mono_ms;     /* of the headers it owes us; INT64_MAX: none */
    struct http_request *request; /* the one under way, or NULL */
};

struct http_server {
    struct ev_loop *loop;
    struct http_config config;
    struct listen_socket listening;
    struct hostcheck hosts;
    struct MHD_Daemon *daemon;
    LIST_HEAD(peer_list, peer) peers;
    ev_io readable;
    ev_prepare before_sleep;
    ev_timer due;
    ev_timer sweep;
    int in_run;
    int is_closing;
    int is_in_place; /* see framing_fault() */
};

struct header {
    struct header *next;
    const char *name, *value;
};

struct http_request {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL: gone, only a handler holds the request */
    struct arena arena;
    struct framing framing;
    const char *target; /* where it was sent; decoded in place since */
    size_t target_len;  /* as sent */
    const char *path;
    const char *rest;
    const struct http_route *route; /* NULL: no such path, or not with this method */
    struct header *headers;         /* of the answer */
    struct MHD_Response *response;  /* waits for on_access() */
    unsigned status;
    unsigned char is_begun, is_deferred, is_suspended, is_answered;
};

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

/* --- answers ----------------------------------------------------------------------------- */

static struct MHD_Response *response_new(const struct http_request *request,
                                         const char *content_type, struct bytes body)
{
    /* MHD wants a writable pointer although it only copies from it. */
    void *at = (void *)(uintptr_t)(body.len > 0 ? body.at : "");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, at, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return NULL;
    if (content_type != NULL)
        MHD_add_response_header(response, "Content-Type", content_type);
    for (const struct header *header = request->headers; header; header = header->next)
        MHD_add_response_header(response, header->name, header->value);
    for (unsigned i = 0; i < sizeof standard_headers / sizeof *standard_headers; i++)
        if (MHD_get_response_header(response, standard_headers[i].name) == NULL)
            MHD_add_response_header(response, standard_headers[i].name,
                                    standard_headers[i].value);
    return response;
}

static void request_free(struct http_request *request)
{
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    arena_fini(&request->arena);
    free(request);
}

static void request_resume(struct http_request *request)
{
    const struct http_server *server = request->server;
    request->is_suspended = 0;
    MHD_resume_connection(request->connection);
    /* Nothing in its epoll set tells MHD of it. So `due` is called without waiting for a turn
     * of the loop: once, behind whoever answers now, be it one request or a hundred. */
    ev_feed_event(server->loop, (void *)&request->server->due, EV_TIMER);
}

/* Hand the stored answer to MHD. Calls: only from on_access(). */
static enum MHD_Result request_queue(struct http_request *request)
{
    struct MHD_Response *response = request->response;
    request->response = NULL;
    enum MHD_Result result =
        MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return result;
}

static void store_answer(struct http_request *request, unsigned status,
                         const char *content_type, struct bytes body)
{
    request->status = status;
    request->response = response_new(request, content_type, body);
}

void http_defer(struct http_request *request)
{
    request->is_deferred = 1;
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    struct header *header = arena_alloc(&request->arena, sizeof *header);
    *header = (struct header){
        .next = request->headers,
        .name = arena_dup(&request->arena, bytes_of(name)),
        .value = arena_dup(&request->arena, bytes_of(value)),
    };
    request->headers = header;
}

/* Answer with a problem from inside the access callback, where the client is still there. */
static void refuse(struct http_request *request, unsigned status, const char *title,
                   const char *detail)
{
    struct buf json = {0};
    problem_write(&json, status, title, detail);
    request->is_answered = 1;
    store_answer(request, status, PROBLEM_TYPE, buf_bytes(&json));
    buf_fini(&json);
}

void http_answer(struct http_request *request, unsigned status, const char *content_type,
                 struct bytes body)
{
    assert(!request->is_answered);
    request->is_answered = 1;
    if (request->connection == NULL) { /* deferred, and the client is gone */
        request_free(request);
        return;
    }
    store_answer(request, status, content_type, body);
    if (request->is_suspended)
        request_resume(request);
}

void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail)
{
    struct buf json = {0};
    problem_write(&json, status, title, detail);
    http_answer(request, status, PROBLEM_TYPE, buf_bytes(&json));
    buf_fini(&json);
}

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

/* --- the life of a request --------------------------------------------------------------- */

static const union MHD_ConnectionInfo *info_of(struct MHD_Connection *connection,
                                               enum MHD_ConnectionInfoType what)
{
    return MHD_get_connection_info(connection, what);
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
    return info_of(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct http_request *request = xcalloc(1, sizeof *request);
    request->server = arg;
    request->connection = connection;
    request->target = target;
    request->target_len = strlen(target);
    framing_target(&request->framing, target);
    peer_of(connection)->request = request;
    return request;
}

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
        refuse(request, 404, "Not found", "Nothing is served under this path.");
        return;
    }
    http_add_header(request, "Allow", allow);
    refuse(request, 405, "Method not allowed",
           "See the Allow header for what this path takes.");
}

/* The headers are there. Answers what must not reach a handler. */
static void request_begin(struct http_request *request, const char *method,
                          const char *version)
{
    const struct http_server *server = request->server;
    const char *fault = framing_fault(request, method, version);
    const char *host = http_header(request, "Host");
    if (fault != NULL) {
        refuse(request, 400, "Bad request", fault);
        return;
    }
    /* Only HTTP/1.0 may come without: health checks of load balancers do, browsers never. */
    if (host != NULL && !hostcheck_passes(&server->hosts, host)) {
        refuse(request, 421, "Misdirected request",
               "The Host header names another server.");
        return;
    }
    request->route = route_find(&server->config, request->path, method, &request->rest);
    if (request->framing.has_body && request->route == NULL)
        refuse_route(request);
    else if (request->framing.has_body)
        refuse(request, 413, "Content too large", "This path takes no body.");
}

/* The request is complete. */
static void request_handle(struct http_request *request)
{
    const struct http_server *server = request->server;
    if (server->is_closing)
        refuse(request, 503, SHUTTING_DOWN, NULL);
    else if (request->route == NULL)
        refuse_route(request);
    else
        request->route->handler(request, server->config.arg);
    assert(request->is_answered || request->is_deferred);
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection,
                                 const char *path, const char *method,
                                 const char *version, const char *body, size_t *body_len,
                                 void **context)
{
    struct http_request *request = *context;
    (void)arg, (void)body;
    *body_len = 0;
    if (!request->is_begun) {
        request->is_begun = 1;
        request->path = path;
        peer_of(connection)->deadline_mono_ms = INT64_MAX;
        request_begin(request, method, version);
        if (!request->is_answered)
            return MHD_YES;
    }
    if (!request->is_answered && !request->is_deferred)
        request_handle(request);
    if (request->response != NULL)
        return request_queue(request);
    if (request->is_answered)
        return MHD_NO;
    request->is_suspended = 1;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* MHD is done with the request; a handler that still owes the answer keeps it. */
static void request_end(struct http_request *request)
{
    request->connection = NULL;
    if (!request->is_deferred || request->is_answered)
        request_free(request);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode reason)
{
    const struct http_server *server = arg;
    struct peer *peer = peer_of(connection);
    (void)context, (void)reason;
    if (peer->request != NULL)
        request_end(peer->request);
    peer->request = NULL;
    peer->deadline_mono_ms = clock_mono_ms() + server->config.idle_ms;
}

static struct peer *peer_new(struct http_server *server,
                             struct MHD_Connection *connection)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->fd = info_of(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    peer->deadline_mono_ms = clock_mono_ms() + server->config.header_deadline_ms;
    LIST_INSERT_HEAD(&server->peers, peer, link);
    if (!ev_is_active(&server->sweep))
        ev_timer_again(server->loop, &server->sweep);
    return peer;
}

static void peer_free(struct peer *peer)
{
    /* MHD 0.9 drops a request without on_completed() when its parameters fill the memory. */
    if (peer->request != NULL)
        request_end(peer->request);
    LIST_REMOVE(peer, link);
    free(peer);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *context = peer_new(arg, connection);
    else
        peer_free(*context);
}

/* --- in the loop ------------------------------------------------------------------------- */

/* MHD takes one step with each connection that is ready: a connection that was answered is
 * closed, or looked at for its next request, only by the run after. */
static void server_run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    int runs = 0;
    server->in_run = 1;
    do
        MHD_run(server->daemon);
    while (++runs < RUNS_IN_A_ROW && !server->is_closing &&
           MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES && wait_ms == 0);
    server->in_run = 0;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    server_run(watcher->data);
}

static void on_due(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    server_run(watcher->data);
}

static void on_before_sleep(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)events;
    struct http_server *server = watcher->data;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    ev_timer_stop(loop, &server->due);
    if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES)
        return;
    ev_timer_set(&server->due, (double)wait_ms / 1000, 0);
    ev_timer_start(loop, &server->due);
}

static void on_sweep(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct http_server *server = watcher->data;
    int64_t now_mono_ms = clock_mono_ms();
    struct peer *peer;
    LIST_FOREACH(peer, &server->peers, link)
    {
        if (peer->deadline_mono_ms > now_mono_ms)
            continue;
        log_debug("headers came too late", " fd=%d", peer->fd);
        shutdown(peer->fd, SHUT_RDWR);
        peer->deadline_mono_ms = INT64_MAX;
    }
    /* Also lets MHD accept again after it was full: only a run notices that a place is free. */
    server_run(server);
    if (LIST_EMPTY(&server->peers))
        ev_timer_stop(loop, watcher);
}

static void on_library_log(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[512], quoted[600];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http", " text=%s", log_quote(quoted, sizeof quoted, text));
}

static struct MHD_Daemon *daemon_start(struct http_server *server)
{
    intptr_t idle_s = (server->config.idle_ms + 999) / 1000;
    intptr_t per_ip_max = server->listening.port != 0 ? CONNECTIONS_PER_IP_MAX : 0;
    /* What it adds in 0.9 framing_verdict() knows, too, and MHD's own answer to it is broken
     * there (its header comes twice); 1.0 checks the lines only when strict. */
    int strict = !server->is_in_place;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL},
        {MHD_OPTION_LISTEN_SOCKET, server->listening.fd, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, strict, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_ip_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, idle_s, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_ARRAY,
                            options, MHD_OPTION_END);
}

static void watch(struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    double sweep_s = SWEEP_MS / 1000.0;
    if ((double)server->config.header_deadline_ms / 2000 < sweep_s)
        sweep_s = (double)server->config.header_deadline_ms / 2000;
    ev_io_init(&server->readable, on_readable, info->epoll_fd, EV_READ);
    ev_prepare_init(&server->before_sleep, on_before_sleep);
    ev_timer_init(&server->due, on_due, 0, 0);
    ev_timer_init(&server->sweep, on_sweep, 0, sweep_s);
    server->readable.data = server->before_sleep.data = server;
    server->due.data = server->sweep.data = server;
    ev_io_start(server->loop, &server->readable);
    ev_prepare_start(server->loop, &server->before_sleep);
}

struct http_server *http_listen(struct ev_loop *loop, const struct http_config *config,
                                struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof *server);
    server->loop = loop;
    server->config = *config;
    if (config->header_deadline_ms == 0)
        server->config.header_deadline_ms = HEADER_DEADLINE_MS;
    if (config->idle_ms == 0)
        server->config.idle_ms = IDLE_MS;
    server->is_in_place = strncmp(MHD_get_version(), "0.", 2) == 0;
    LIST_INIT(&server->peers);
    if (listen_open(&server->listening, config->listen, err) != 0) {
        free(server);
        return NULL;
    }
    server->hosts = (struct hostcheck){.own = server->listening.host,
                                       .port = server->listening.port,
                                       .any_address = server->listening.is_any};
    server->daemon = daemon_start(server);
    if (server->daemon == NULL) {
        listen_close(&server->listening);
        free(server);
        err_set(err, LEAT_EBUG, "the HTTP library did not start");
        return NULL;
    }
    watch(server);
    return server;
}

/* MHD must not stop while connections are suspended, and their clients deserve an answer. */
static void answer_deferred(struct http_server *server)
{
    struct peer *peer;
    struct buf json = {0};
    problem_write(&json, 503, SHUTTING_DOWN, NULL);
    LIST_FOREACH(peer, &server->peers, link)
    {
        if (peer->request == NULL || !peer->request->is_suspended)
            continue;
        store_answer(peer->request, 503, PROBLEM_TYPE, buf_bytes(&json));
        request_resume(peer->request);
    }
    buf_fini(&json);
    server_run(server);
}

void http_close(struct http_server *server)
{
    if (server == NULL)
        return;
    assert(!server->in_run);
    server->is_closing = 1;
    MHD_quiesce_daemon(server->daemon);
    listen_close(&server->listening);
    answer_deferred(server);
    MHD_stop_daemon(server->daemon);
    ev_io_stop(server->loop, &server->readable);
    ev_prepare_stop(server->loop, &server->before_sleep);
    ev_timer_stop(server->loop, &server->due);
    ev_timer_stop(server->loop, &server->sweep);
    free(server);
}

const char *http_address(const struct http_server *server)
{
    return server->listening.address;
}

int http_is_loopback(const struct http_server *server)
{
    return server->listening.is_loopback;
}
