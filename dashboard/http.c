/* SPDX-License-Identifier: MIT */
/* How it works. libmicrohttpd (MHD) runs without a thread: its epoll descriptor is one
 * ev_io of our loop, and before each sleep its next deadline becomes an ev_timer.
 * MHD_run() then calls back into http_request.c. A sweep ends the connections that are
 * later than their deadline. */
#include "dashboard/http_inside.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CONNECTION_MEMORY_BYTES = 32 * 1024, /* bounds the header block, too */
    CONNECTIONS_MAX = 256,
    CONNECTIONS_PER_IP_MAX = 128,
    HEADER_DEADLINE_MS = 10 * 1000,
    BODY_DEADLINE_MS = 30 * 1000,
    IDLE_MS = 30 * 1000,
    SWEEP_MS = 1000,
    RUNS_IN_A_ROW = 4, /* before others in the loop have their turn */
};

/* --- in the loop
 * ------------------------------------------------------------------------- */

/* Nothing in its epoll set tells MHD of it. So `due` is called without waiting for a turn
 * of the loop: once, behind whoever answers now, be it one request or a hundred. */
void http_run_soon(struct http_server *server)
{
    ev_feed_event(server->loop, (void *)&server->due, EV_TIMER);
}

static int has_more_to_do(const struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (server->is_closing)
        return 0;
    return server->has_new_peer ||
           (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES && wait_ms == 0);
}

/* MHD takes one step with each connection that is ready. Only the run after reads from
 * one that was accepted, or closes one that was answered. */
static void server_run(struct http_server *server)
{
    int runs = 0;
    server->in_run = 1;
    do {
        server->has_new_peer = 0;
        MHD_run(server->daemon);
    } while (++runs < RUNS_IN_A_ROW && has_more_to_do(server));
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
    struct http_peer *peer;
    LIST_FOREACH(peer, &server->peers, link)
    {
        if (peer->deadline_mono_ms > now_mono_ms ||
            (peer->request != NULL && http_request_is_late(peer->request)))
            continue;
        log_debug("connection is over its time", log_number("fd", peer->fd));
        shutdown(peer->fd, SHUT_RDWR);
        peer->deadline_mono_ms = INT64_MAX;
    }
    /* Also lets MHD accept again after it was full: only a run notices that a place is
     * free. */
    server_run(server);
    if (LIST_EMPTY(&server->peers))
        ev_timer_stop(loop, watcher);
}

static void on_library_log(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http", log_text("text", text));
}

static struct MHD_Daemon *daemon_start(struct http_server *server)
{
    intptr_t idle_s = (server->config.idle_ms + 999) / 1000;
    intptr_t per_ip_max = server->listening.port != 0 ? CONNECTIONS_PER_IP_MAX : 0;
    /* What it adds in 0.9 framing_verdict() knows, too, and MHD's own answer to it is
     * broken there (its header comes twice); 1.0 checks the lines only when strict. */
    int strict = !server->is_in_place;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_log, NULL},
        {MHD_OPTION_LISTEN_SOCKET, server->listening.fd, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, strict, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_ip_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, idle_s, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_request_on_target, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_request_on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_request_on_connection, server},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, http_request_on_access, server,
                            MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static void watch(struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const struct http_config *config = &server->config;
    int64_t sweep_ms = SWEEP_MS;
    if (config->header_deadline_ms / 2 < sweep_ms)
        sweep_ms = config->header_deadline_ms / 2;
    if (config->body_deadline_ms / 2 < sweep_ms)
        sweep_ms = config->body_deadline_ms / 2;
    ev_io_init(&server->readable, on_readable, info->epoll_fd, EV_READ);
    ev_prepare_init(&server->before_sleep, on_before_sleep);
    ev_timer_init(&server->due, on_due, 0, 0);
    ev_timer_init(&server->sweep, on_sweep, 0, (double)sweep_ms / 1000);
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
    if (config->body_deadline_ms == 0)
        server->config.body_deadline_ms = BODY_DEADLINE_MS;
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
                                       .any_address = server->listening.is_any,
                                       .allowed = config->allow_hosts,
                                       .allowed_count = config->allow_host_count};
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

/* MHD must not stop while connections are suspended, and their clients deserve an
 * answer. */
static void answer_deferred(struct http_server *server)
{
    struct http_peer *peer;
    LIST_FOREACH(peer, &server->peers, link)
    {
        if (peer->request != NULL && peer->request->is_suspended)
            http_refuse(peer->request, 503, HTTP_SHUTTING_DOWN, NULL);
    }
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
