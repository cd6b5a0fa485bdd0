/* SPDX-License-Identifier: MIT */
/* A server and its clients in one process and one loop, over real sockets: a client that
 * waits lets the loop run. One test is one process, so there is one of everything. */
#ifndef LEAT_TESTS_UNIT_HTTP_CLIENT_H
#define LEAT_TESTS_UNIT_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/clock.h"
#include "dashboard/http.h"
#include "suite.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, KEPT_MAX = 8, BODY_MAX = 20 };

static struct ev_loop *loop;
static struct http_server *server;
static struct http_request *kept[KEPT_MAX]; /* deferred, in the order they came */
static unsigned kept_count;

/* --- the server
 * -------------------------------------------------------------------------- */

static inline void get_hello(struct http_request *request, void *arg)
{
    http_answer(request, 200, "text/plain", bytes_of(arg));
}

static inline void get_echo(struct http_request *request, void *arg)
{
    (void)arg;
    struct buf text = {0};
    const char *q = http_query(request, "q"), *header = http_header(request, "x-test");
    buf_addf(&text, "rest=%s q=%s header=%s", http_rest(request), q ? q : "none",
             header ? header : "none");
    http_add_header(request, "Cache-Control", "max-age=60");
    http_add_header(request, "X-Split", "a\r\nX-Injected: b");
    http_add_header(request, "X-Control", "a\x13");
    http_answer(request, 200, "text/plain", buf_bytes(&text));
    buf_fini(&text);
}

static inline void get_later(struct http_request *request, void *arg)
{
    (void)arg;
    http_defer(request);
    kept[kept_count++] = request;
}

static inline void get_at_once(struct http_request *request, void *arg)
{
    http_defer(request);
    get_hello(request, arg);
}

static inline void get_broken(struct http_request *request, void *arg)
{
    (void)arg;
    http_problem(request, 503, "Redis is away", "say \"when\"\n");
}

static inline void post_body(struct http_request *request, void *arg)
{
    (void)arg;
    http_answer(request, 200, "text/plain", http_body(request));
}

/* A streamed body: what came of it, and how much of it is wanted. */
static struct stream {
    struct http_request *request;
    size_t wanted, taken;
    int ends, is_whole;
} stream;

static inline size_t stream_piece(void *arg, struct bytes piece)
{
    struct stream *s = arg;
    size_t room = s->wanted - s->taken;
    size_t taken = piece.len < room ? piece.len : room;
    s->taken += taken;
    return taken;
}

static inline void stream_end(void *arg, int is_whole)
{
    struct stream *s = arg;
    s->ends++;
    s->is_whole = is_whole;
    if (is_whole)
        http_answer(s->request, 200, "text/plain", bytes_of("streamed"));
}

static inline void post_stream(struct http_request *request, void *arg)
{
    static const struct http_reader reader = {stream_piece, stream_end};
    (void)arg;
    stream.request = request;
    http_read(request, &reader, &stream);
}

static const struct http_route routes[] = {
    {"GET", "/", get_hello},
    {"GET", "/echo/*", get_echo},
    {"GET", "/later", get_later},
    {"GET", "/at-once", get_at_once},
    {"GET", "/broken", get_broken},
    {"POST", "/write", get_hello},
    {"POST", "/body", post_body, .body_max_bytes = BODY_MAX},
    {"POST", "/stream", post_stream, .is_streamed = 1},
};

static inline void serve_as(struct http_config config)
{
    struct err err = {0};
    config.routes = routes;
    config.route_count = COUNT(routes);
    config.arg = (void *)(uintptr_t) "hello";
    server = http_listen(loop, &config, &err);
    ck_assert_msg(server != NULL, "%s", err.text);
}

static inline void serve(const char *address, int64_t header_ms, int64_t idle_ms)
{
    serve_as((struct http_config){
        .listen = address, .header_deadline_ms = header_ms, .idle_ms = idle_ms});
}

static inline void set_up(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    serve("127.0.0.1:0", 0, 0);
}

static inline void tear_down(void)
{
    http_close(server);
    ev_loop_destroy(loop);
}

static inline void restart(const char *address, int64_t header_ms, int64_t idle_ms)
{
    http_close(server);
    serve(address, header_ms, idle_ms);
}

static inline int bound_port(void)
{
    return atoi(strrchr(http_address(server), ':') + 1);
}

/* --- the client
 * -------------------------------------------------------------------------- */

struct client {
    int fd;
    int is_closed; /* by the server */
    struct buf reply;
};

static inline struct client dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)bound_port()),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_eq(connect(client.fd, (struct sockaddr *)&to, sizeof to), 0);
    return client;
}

static inline void hang_up(struct client *client)
{
    close(client->fd);
    buf_fini(&client->reply);
}

static inline void say(struct client *client, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return;
        text += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
        ev_run(loop, EVRUN_NOWAIT);
    }
}

static inline void ask(struct client *client, const char *text)
{
    say(client, text, strlen(text));
}

/* Let the server work, then take what it sent. */
static inline void listen_in(struct client *client)
{
    ev_run(loop, EVRUN_NOWAIT);
    char *to = buf_reserve(&client->reply, 65536);
    ssize_t got = recv(client->fd, to, 65536, MSG_DONTWAIT);
    if (got > 0) {
        client->reply.len += (size_t)got;
        to[got] = '\0';
    } else if (got == 0 || errno != EAGAIN) {
        client->is_closed = 1;
    }
}

static inline const char *reply_header(const struct client *client, const char *name)
{
    static char value[1024];
    char line[128];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(buf_text(&client->reply), line);
    if (at == NULL)
        return NULL;
    at += strlen(line);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

static inline const char *reply_body(const struct client *client)
{
    const char *end = strstr(buf_text(&client->reply), "\r\n\r\n");
    return end != NULL ? end + 4 : NULL;
}

static inline int is_complete(const struct client *client, int is_head)
{
    const char *body = reply_body(client);
    if (body == NULL)
        return 0;
    const char *length = reply_header(client, "Content-Length");
    size_t want = is_head || length == NULL ? 0 : (size_t)atoi(length);
    return client->reply.len - (size_t)(body - client->reply.data) >= want;
}

static inline int status_of(const struct client *client)
{
    const char *text = buf_text(&client->reply);
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

/* Wait for one answer, or for the end. Returns its status, 0 when there was none. */
static inline int await_reply(struct client *client, int is_head)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (!is_complete(client, is_head) && !client->is_closed) {
        ck_assert_msg(clock_mono_ms() < until, "no answer");
        listen_in(client);
    }
    return status_of(client);
}

static inline void await_end(struct client *client)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (!client->is_closed) {
        ck_assert_msg(clock_mono_ms() < until, "connection still open");
        listen_in(client);
    }
}

static inline int get(struct client *client, const char *target)
{
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
             target);
    buf_reset(&client->reply);
    ask(client, request);
    return await_reply(client, 0);
}

static inline unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static inline void await_kept(unsigned count)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (kept_count < count) {
        ck_assert(clock_mono_ms() < until);
        ev_run(loop, EVRUN_NOWAIT);
    }
}

static inline int dial_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

#endif
