/* SPDX-License-Identifier: MIT */
/* HTTP servers of a few lines on loopback addresses: a thread accepts, a thread serves
 * each connection, blocking. A route gets the request's text, body included, and says
 * whether the connection stays open. The path's query is its argument. */
#ifndef LEAT_TESTS_UNIT_FETCH_PEER_H
#define LEAT_TESTS_UNIT_FETCH_PEER_H

#include "base/buf.h"
#include "base/mem.h"
#include "suite.h"
#include "worker/fetch.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64 };

struct peer {
    int fd;
    int port;
    pthread_t thread;
    pthread_t servers[CONNECTIONS_MAX];
    atomic_int connections, requests, gone; /* gone: connections that ended */
};

struct connection {
    struct peer *peer;
    int fd;
};

/* Returns 0, or -1 when the other side is gone. */
static inline int send_text(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return -1;
        text += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static inline int answer(int fd, const char *head, struct bytes body)
{
    struct buf text = {0};
    buf_addf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, body.len);
    buf_add(&text, body.at, body.len);
    int sent = send_text(fd, text.data, text.len);
    buf_fini(&text);
    return sent;
}

static inline int route_hello(int fd, const char *request, const char *query)
{
    (void)query;
    if (strstr(request, "\r\nIf-None-Match: \"v1\"\r\n") != NULL) {
        /* The length of what is not sent: it must not count against the limit. */
        const char *text = "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n"
                           "Content-Length: 99999999\r\n\r\n";
        return send_text(fd, text, strlen(text));
    }
    return answer(fd,
                  "200 OK\r\nETag: \"v1\"\r\nContent-Type: text/plain\r\n"
                  "Last-Modified: Sat, 01 Nov 2025 10:00:00 GMT",
                  bytes_of("hello"));
}

static inline int route_echo(int fd, const char *request, const char *query)
{
    (void)query;
    return answer(fd, "200 OK", bytes_of(request));
}

static inline int route_missing(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    return answer(fd, "404 Not Found", bytes_of("no such page"));
}

static inline int route_to(int fd, const char *request, const char *query)
{
    (void)request;
    struct buf head = {0};
    buf_addf(&head, "302 Found\r\nETag: \"of the redirect\"\r\nLocation: %s", query);
    int sent = answer(fd, buf_text(&head), bytes_of("moved"));
    buf_fini(&head);
    return sent;
}

static inline int route_loop(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    return answer(fd, "302 Found\r\nLocation: /loop", bytes_of(""));
}

static inline int repeat(int fd, const char *text)
{
    while (send_text(fd, text, strlen(text)) == 0)
        continue;
    return -1;
}

static inline int route_endless(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *head = "HTTP/1.1 200 OK\r\n\r\n";
    return send_text(fd, head, strlen(head)) == 0 ? repeat(fd, "and so on ") : -1;
}

static inline int route_headers(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *head = "HTTP/1.1 200 OK\r\n";
    return send_text(fd, head, strlen(head)) == 0 ? repeat(fd, "X-More: and more\r\n")
                                                  : -1;
}

/* Wait until the other side goes. */
static inline int route_hang(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
    return -1;
}

/* Announce a body of `query` bytes and send none of it. */
static inline int route_announce(int fd, const char *request, const char *query)
{
    struct buf head = {0};
    buf_addf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", query);
    int sent = send_text(fd, head.data, head.len);
    buf_fini(&head);
    return sent == 0 ? route_hang(fd, request, query) : -1;
}

/* A body of `query` bytes. */
static inline int route_body(int fd, const char *request, const char *query)
{
    (void)request;
    size_t len = strtoul(query, NULL, 10);
    char *body = xcalloc(len, 1);
    int sent = answer(fd, "200 OK", (struct bytes){body, len});
    free(body);
    return sent;
}

static inline int route_busy(int fd, const char *request, const char *query)
{
    (void)request;
    char date[64];
    struct tm parts;
    struct buf head = {0};
    time_t hence = time(NULL) + strtol(query, NULL, 10);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&hence, &parts));
    buf_addf(&head, "429 Too Many Requests\r\nRetry-After: %s", date);
    int sent = answer(fd, buf_text(&head), bytes_of(""));
    buf_fini(&head);
    return sent;
}

/* `query` as the value of Retry-After. */
static inline int route_later(int fd, const char *request, const char *query)
{
    (void)request;
    struct buf head = {0};
    buf_addf(&head, "503 Service Unavailable\r\nRetry-After: %s", query);
    int sent = answer(fd, buf_text(&head), bytes_of(""));
    buf_fini(&head);
    return sent;
}

static inline int route_long_headers(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    struct buf head = {0};
    buf_addf(&head, "200 OK\r\nETag: \"%0*d\"\r\nContent-Type: t/%0*d",
             FETCH_HEADER_VALUE_BYTES_MAX - 1, 0, FETCH_HEADER_VALUE_BYTES_MAX - 2, 0);
    int sent = answer(fd, buf_text(&head), bytes_of(""));
    buf_fini(&head);
    return sent;
}

static inline int route_early_hints(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *hints = "HTTP/1.1 103 Early Hints\r\nETag: \"of the hint\"\r\n\r\n";
    if (send_text(fd, hints, strlen(hints)) != 0)
        return -1;
    return answer(fd, "200 OK\r\nLast-Modified: today", bytes_of("final"));
}

static inline int route_garbage(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    send_text(fd, "220 mail ready\r\n", 16);
    return -1;
}

static inline int route_cut(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    send_text(fd, text, strlen(text));
    return -1;
}

/* The answer is whole, but the connection ends with it, unannounced. */
static inline int route_bye(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    answer(fd, "200 OK", bytes_of("bye"));
    return -1;
}

/* The same, but only when the next request is there. */
static inline int route_too_late(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    char byte;
    answer(fd, "200 OK", bytes_of("bye"));
    recv(fd, &byte, 1, MSG_PEEK);
    return -1;
}

static const struct route {
    const char *path;
    int (*serve)(int fd, const char *request, const char *query);
} routes[] = {
    {"/hello", route_hello},
    {"/echo", route_echo},
    {"/missing", route_missing},
    {"/to", route_to},
    {"/loop", route_loop},
    {"/endless", route_endless},
    {"/headers", route_headers},
    {"/hang", route_hang},
    {"/announce", route_announce},
    {"/body", route_body},
    {"/busy", route_busy},
    {"/later", route_later},
    {"/long-headers", route_long_headers},
    {"/early-hints", route_early_hints},
    {"/garbage", route_garbage},
    {"/cut", route_cut},
    {"/bye", route_bye},
    {"/too-late", route_too_late},
};

static inline int serve_request(int fd, const char *request)
{
    char path[64] = "", query[512] = "";
    sscanf(request, "%*[A-Z] %63[^? ]?%511[^ ]", path, query);
    for (size_t i = 0; i < COUNT(routes); i++)
        if (strcmp(routes[i].path, path) == 0)
            return routes[i].serve(fd, request, query);
    return -1;
}

/* Are the head and the body that it announces there? */
static inline int is_whole(const struct buf *request)
{
    const char *end = strstr(request->data, "\r\n\r\n");
    const char *len = strstr(request->data, "\r\nContent-Length: ");
    if (end == NULL)
        return 0;
    size_t body_len = len != NULL && len < end ? strtoul(len + 18, NULL, 10) : 0;
    return request->len - (size_t)(end + 4 - request->data) >= body_len;
}

static inline void *serve_connection(void *arg)
{
    struct connection *connection = arg;
    struct buf request = {0};
    for (;;) {
        ssize_t len = recv(connection->fd, buf_reserve(&request, 65536), 65536, 0);
        if (len <= 0)
            break;
        request.len += (size_t)len;
        request.data[request.len] = '\0';
        if (!is_whole(&request))
            continue;
        atomic_fetch_add(&connection->peer->requests, 1);
        if (serve_request(connection->fd, request.data) != 0)
            break;
        buf_reset(&request);
    }
    buf_fini(&request);
    close(connection->fd);
    atomic_fetch_add(&connection->peer->gone, 1);
    free(connection);
    return NULL;
}

static inline void *peer_accept(void *arg)
{
    struct peer *peer = arg;
    int fd;
    while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
        int n = atomic_load(&peer->connections);
        if (n == CONNECTIONS_MAX)
            abort();
        struct connection *connection = xmalloc(sizeof *connection);
        *connection = (struct connection){peer, fd};
        pthread_create(&peer->servers[n], NULL, serve_connection, connection);
        atomic_store(&peer->connections, n + 1);
    }
    return NULL;
}

static inline struct peer *peer_new(const char *ip)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    inet_pton(AF_INET, ip, &address.sin_addr);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(peer->fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(peer->fd, 256), 0);
    ck_assert_int_eq(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    pthread_create(&peer->thread, NULL, peer_accept, peer);
    return peer;
}

/* The connections have been closed by the other side before. */
static inline void peer_free(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < atomic_load(&peer->connections); i++)
        pthread_join(peer->servers[i], NULL);
    close(peer->fd);
    free(peer);
}

#endif
