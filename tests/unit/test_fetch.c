/* SPDX-License-Identifier: MIT */
/* The peers are HTTP servers of a few lines on loopback addresses: a thread accepts, a
 * thread serves each connection, blocking. A route gets the request's text and says
 * whether the connection stays open. The path's query is its argument.
 *
 * Names are resolved by a getaddrinfo() of our own, so no test asks a name server. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "worker/fetch.h"
#include "base/netguard.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <ev.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { DEADLINE_MS = 20000, BODY_MAX_BYTES = 1024 * 1024, CONNECTIONS_MAX = 64 };

/* ---- the peer ---- */

struct peer {
    int fd;
    int port;
    pthread_t thread;
    pthread_t servers[CONNECTIONS_MAX];
    atomic_int connections, requests;
};

struct connection {
    struct peer *peer;
    int fd;
};

/* Returns 0, or -1 when the other side is gone. */
static int send_text(int fd, const char *text, size_t len)
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

static int answer(int fd, const char *head, struct bytes body)
{
    struct buf text = {0};
    buf_addf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, body.len);
    buf_add(&text, body.at, body.len);
    int sent = send_text(fd, text.data, text.len);
    buf_fini(&text);
    return sent;
}

static int route_hello(int fd, const char *request, const char *query)
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

static int route_echo(int fd, const char *request, const char *query)
{
    (void)query;
    return answer(fd, "200 OK", bytes_of(request));
}

static int route_missing(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    return answer(fd, "404 Not Found", bytes_of("no such page"));
}

static int route_to(int fd, const char *request, const char *query)
{
    (void)request;
    struct buf head = {0};
    buf_addf(&head, "302 Found\r\nETag: \"of the redirect\"\r\nLocation: %s", query);
    int sent = answer(fd, buf_text(&head), bytes_of("moved"));
    buf_fini(&head);
    return sent;
}

static int route_loop(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    return answer(fd, "302 Found\r\nLocation: /loop", bytes_of(""));
}

static int repeat(int fd, const char *text)
{
    while (send_text(fd, text, strlen(text)) == 0)
        continue;
    return -1;
}

static int route_endless(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *head = "HTTP/1.1 200 OK\r\n\r\n";
    return send_text(fd, head, strlen(head)) == 0 ? repeat(fd, "and so on ") : -1;
}

static int route_headers(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *head = "HTTP/1.1 200 OK\r\n";
    return send_text(fd, head, strlen(head)) == 0 ? repeat(fd, "X-More: and more\r\n")
                                                  : -1;
}

/* Wait until the other side goes. */
static int route_hang(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
    return -1;
}

/* Announce a body of `query` bytes and send none of it. */
static int route_announce(int fd, const char *request, const char *query)
{
    struct buf head = {0};
    buf_addf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", query);
    int sent = send_text(fd, head.data, head.len);
    buf_fini(&head);
    return sent == 0 ? route_hang(fd, request, query) : -1;
}

/* A body of `query` bytes. */
static int route_body(int fd, const char *request, const char *query)
{
    (void)request;
    size_t len = strtoul(query, NULL, 10);
    char *body = xcalloc(len, 1);
    int sent = answer(fd, "200 OK", (struct bytes){body, len});
    free(body);
    return sent;
}

static int route_busy(int fd, const char *request, const char *query)
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
static int route_later(int fd, const char *request, const char *query)
{
    (void)request;
    struct buf head = {0};
    buf_addf(&head, "503 Service Unavailable\r\nRetry-After: %s", query);
    int sent = answer(fd, buf_text(&head), bytes_of(""));
    buf_fini(&head);
    return sent;
}

static int route_long_headers(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    struct buf head = {0};
    buf_addf(&head, "200 OK\r\nETag: \"%0*d\"\r\nContent-Type: t/%0*d",
             FETCH_HEADER_VALUE_BYTES_MAX - 1, 0, FETCH_HEADER_VALUE_BYTES_MAX - 2, 0);
    int sent = answer(fd, buf_text(&head), bytes_of(""));
    buf_fini(&head);
    return sent;
}

static int route_early_hints(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *hints = "HTTP/1.1 103 Early Hints\r\nETag: \"of the hint\"\r\n\r\n";
    if (send_text(fd, hints, strlen(hints)) != 0)
        return -1;
    return answer(fd, "200 OK\r\nLast-Modified: today", bytes_of("final"));
}

static int route_garbage(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    send_text(fd, "220 mail ready\r\n", 16);
    return -1;
}

static int route_cut(int fd, const char *request, const char *query)
{
    (void)request, (void)query;
    const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    send_text(fd, text, strlen(text));
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
};

static int serve_request(int fd, const char *request)
{
    char path[64] = "", query[512] = "";
    sscanf(request, "GET %63[^? ]?%511[^ ]", path, query);
    for (size_t i = 0; i < COUNT(routes); i++)
        if (strcmp(routes[i].path, path) == 0)
            return routes[i].serve(fd, request, query);
    return -1;
}

static void *serve_connection(void *arg)
{
    struct connection *connection = arg;
    struct buf request = {0};
    for (;;) {
        ssize_t len = recv(connection->fd, buf_reserve(&request, 4096), 4096, 0);
        if (len <= 0)
            break;
        request.len += (size_t)len;
        request.data[request.len] = '\0';
        if (strstr(request.data, "\r\n\r\n") == NULL)
            continue;
        atomic_fetch_add(&connection->peer->requests, 1);
        if (serve_request(connection->fd, request.data) != 0)
            break;
        buf_reset(&request);
    }
    buf_fini(&request);
    close(connection->fd);
    free(connection);
    return NULL;
}

static void *peer_accept(void *arg)
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

static struct peer *peer_new(const char *ip)
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
static void peer_free(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < atomic_load(&peer->connections); i++)
        pthread_join(peer->servers[i], NULL);
    close(peer->fd);
    free(peer);
}

/* ---- names ---- */

static atomic_int lookups;         /* so far */
static atomic_int lookups_waiting; /* inside the look-up of slow.test */
static pthread_mutex_t slow_lock = PTHREAD_MUTEX_INITIALIZER; /* held: it waits */

/* NULL: what this machine calls loopback, ::1 first. */
static const char *ip_of(const char *name)
{
    if (strcmp(name, "both.test") == 0)
        return NULL;
    if (strcmp(name, "inside.test") == 0)
        return "127.0.0.2";
    if (strcmp(name, "rebind.test") == 0)
        return atomic_load(&lookups) == 1 ? "127.0.0.1" : "127.0.0.2";
    if (strcmp(name, "slow.test") != 0)
        return "127.0.0.1";
    atomic_fetch_add(&lookups_waiting, 1);
    pthread_mutex_lock(&slow_lock);
    pthread_mutex_unlock(&slow_lock);
    atomic_fetch_sub(&lookups_waiting, 1);
    return "127.0.0.1";
}

__attribute__((visibility("default"))) int
getaddrinfo(const char *restrict node, const char *restrict service,
            const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    atomic_fetch_add(&lookups, 1);
    return real(ip_of(node), service, hints, out);
}

/* ---- the client ---- */

struct outcome {
    int calls;
    enum fetch_end end;
    long status;
    size_t body_len;
    char body[1024]; /* its beginning */
    char etag[300], last_modified[300], content_type[300];
    int64_t retry_after_ms;
    char error[FETCH_ERROR_BYTES];
    struct fetch **cancel; /* what the callback cancels, or NULL */
};

static struct ev_loop *loop;
static struct netguard guard;
static struct fetcher *fetcher;
static struct peer *peer, *inside; /* on 127.0.0.1, allowed; on 127.0.0.2, not allowed */

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "(none)");
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct outcome *outcome = arg;
    outcome->calls++;
    outcome->end = result->end;
    outcome->status = result->status;
    outcome->body_len = result->body.len;
    snprintf(outcome->body, sizeof outcome->body, "%.*s", (int)result->body.len,
             result->body.len > 0 ? result->body.at : "");
    copy(outcome->etag, sizeof outcome->etag, result->etag);
    copy(outcome->last_modified, sizeof outcome->last_modified, result->last_modified);
    copy(outcome->content_type, sizeof outcome->content_type, result->content_type);
    outcome->retry_after_ms = result->retry_after_ms;
    copy(outcome->error, sizeof outcome->error, result->error);
    if (outcome->cancel != NULL)
        fetch_cancel(*outcome->cancel);
}

static void on_deadline(struct ev_loop *at, ev_timer *timer, int revents)
{
    (void)at, (void)timer, (void)revents;
    ck_abort_msg("nothing happened in time");
}

static void on_tick(struct ev_loop *at, ev_timer *timer, int revents)
{
    (void)at, (void)timer, (void)revents;
}

/* Run the loop until `*count` has reached `want`; a tick looks at what threads count. */
#define await(count, want)                                                               \
    do {                                                                                 \
        ev_timer deadline, tick;                                                         \
        ev_timer_init(&deadline, on_deadline, DEADLINE_MS / 1000., 0);                   \
        ev_timer_init(&tick, on_tick, 0.005, 0.005);                                     \
        ev_now_update(loop);                                                             \
        ev_timer_start(loop, &deadline);                                                 \
        ev_timer_start(loop, &tick);                                                     \
        while ((count) < (want))                                                         \
            ev_run(loop, EVRUN_ONCE);                                                    \
        ev_timer_stop(loop, &deadline);                                                  \
        ev_timer_stop(loop, &tick);                                                      \
    } while (0)

static struct fetch_request request_of(const char *url)
{
    return (struct fetch_request){
        .url = url, .timeout_ms = DEADLINE_MS, .body_max_bytes = BODY_MAX_BYTES};
}

/* The URL of a path at the allowed peer; valid until the next call. */
static const char *url_of(const char *path)
{
    static char url[1024];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", peer->port, path);
    return url;
}

static struct outcome run(const struct fetch_request *request)
{
    struct outcome outcome = {0};
    fetch_start(fetcher, request, on_done, &outcome);
    ck_assert_int_eq(outcome.calls, 0);
    await(outcome.calls, 1);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.end == FETCH_OK, outcome.error[0] == '\0');
    return outcome;
}

static struct outcome get(const char *url)
{
    struct fetch_request request = request_of(url);
    return run(&request);
}

static void assert_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    loop = ev_loop_new(EVFLAG_AUTO);
    guard = (struct netguard){0};
    ck_assert_int_eq(netguard_allow(&guard, "127.0.0.1", NULL), 0);
    fetcher = fetcher_new(loop, &guard);
    peer = peer_new("127.0.0.1");
    inside = peer_new("127.0.0.2");
}

static void teardown(void)
{
    fetcher_free(fetcher);
    peer_free(peer);
    peer_free(inside);
    ev_loop_destroy(loop);
}

/* ---- answers ---- */

START_TEST(an_answer_comes_with_status_body_and_validators)
{
    struct outcome outcome = get(url_of("/hello"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.body, "hello");
    ck_assert_str_eq(outcome.etag, "\"v1\"");
    ck_assert_str_eq(outcome.last_modified, "Sat, 01 Nov 2025 10:00:00 GMT");
    ck_assert_str_eq(outcome.content_type, "text/plain");
    ck_assert_int_eq(outcome.retry_after_ms, -1);
}
END_TEST

START_TEST(a_status_of_the_peer_is_an_answer)
{
    struct outcome outcome = get(url_of("/missing"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 404);
    ck_assert_str_eq(outcome.body, "no such page");
    ck_assert_str_eq(outcome.etag, "(none)");
}
END_TEST

START_TEST(a_matching_etag_is_answered_304_without_body)
{
    struct fetch_request request = request_of(url_of("/hello"));
    request.etag = "\"v1\"";
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 304);
    ck_assert_uint_eq(outcome.body_len, 0);
    ck_assert_str_eq(outcome.etag, "\"v1\"");
}
END_TEST

START_TEST(the_request_carries_our_headers_and_the_callers)
{
    const char *headers[] = {"X-Song: 1", "Accept: application/rss+xml"};
    struct fetch_request request = request_of(url_of("/echo"));
    request.headers = headers;
    request.header_count = COUNT(headers);
    request.etag = "W/\"2\"";
    request.last_modified = "Sat, 01 Nov 2025 10:00:00 GMT";
    struct outcome outcome = run(&request);
    assert_text(outcome.body, "\r\nUser-Agent: leat/0.1\r\n");
    assert_text(outcome.body, "\r\nX-Song: 1\r\n");
    assert_text(outcome.body, "\r\nAccept: application/rss+xml\r\n");
    assert_text(outcome.body, "\r\nIf-None-Match: W/\"2\"\r\n");
    assert_text(outcome.body, "\r\nIf-Modified-Since: Sat, 01 Nov 2025 10:00:00 GMT\r\n");
    ck_assert_ptr_null(strstr(outcome.body, "Accept-Encoding"));
}
END_TEST

START_TEST(a_stored_validator_cannot_add_a_header)
{
    struct fetch_request request = request_of(url_of("/echo"));
    request.etag = "\"v1\"\r\nX-Forged: 1";
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_ptr_null(strstr(outcome.body, "Forged"));
    ck_assert_ptr_null(strstr(outcome.body, "If-None-Match"));
}
END_TEST

START_TEST(a_proxy_in_the_environment_is_ignored)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
}
END_TEST

START_TEST(headers_that_are_too_long_are_ignored_and_the_longest_allowed_is_kept)
{
    struct outcome outcome = get(url_of("/long-headers"));
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.etag, "(none)");
    ck_assert_uint_eq(strlen(outcome.content_type), FETCH_HEADER_VALUE_BYTES_MAX);
}
END_TEST

START_TEST(headers_of_an_interim_answer_do_not_count)
{
    struct outcome outcome = get(url_of("/early-hints"));
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.body, "final");
    ck_assert_str_eq(outcome.etag, "(none)");
    ck_assert_str_eq(outcome.last_modified, "today");
}
END_TEST

START_TEST(retry_after_is_read_as_seconds_and_as_date)
{
    static const struct {
        const char *path;
        int64_t min_ms, max_ms;
    } rows[] = {
        {"/later?120", 120000, 120000},
        {"/later?0", 0, 0},
        {"/later?-1", -1, -1},
        {"/later?soon", -1, -1},
        {"/later?", -1, -1},
        {"/busy?3600", 3590000, 3600000},
        {"/busy?-3600", 0, 0},
        {"/hello", -1, -1},
        {"/later?9000000000000000000", FETCH_RETRY_AFTER_S_MAX * INT64_C(1000),
         FETCH_RETRY_AFTER_S_MAX * INT64_C(1000)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome outcome = get(url_of(rows[i].path));
        ck_assert_int_eq(outcome.end, FETCH_OK);
        ck_assert_msg(outcome.retry_after_ms >= rows[i].min_ms &&
                          outcome.retry_after_ms <= rows[i].max_ms,
                      "%s: %lld", rows[i].path, (long long)outcome.retry_after_ms);
    }
}
END_TEST

/* ---- redirects ---- */

START_TEST(a_redirect_is_followed_and_its_headers_do_not_count)
{
    struct outcome outcome = get(url_of("/to?/missing"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 404);
    ck_assert_str_eq(outcome.body, "no such page");
    ck_assert_str_eq(outcome.etag, "(none)");
}
END_TEST

START_TEST(a_redirect_loop_is_refused_after_five)
{
    struct outcome outcome = get(url_of("/loop"));
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "5");
    ck_assert_int_eq(atomic_load(&peer->requests), FETCH_REDIRECTS_MAX + 1);
}
END_TEST

START_TEST(a_redirect_to_an_address_that_is_not_allowed_is_refused)
{
    char path[128];
    snprintf(path, sizeof path, "/to?http://127.0.0.2:%d/hello", inside->port);
    struct outcome outcome = get(url_of(path));
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "127.0.0.2 is refused as loopback");
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

START_TEST(a_redirect_to_another_scheme_is_refused)
{
    static const char *const paths[] = {
        "/to?file:///etc/hostname", "/to?ftp://127.0.0.1/", "/to?gopher://127.0.0.1/"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct outcome outcome = get(url_of(paths[i]));
        ck_assert_msg(outcome.end == FETCH_REFUSED, "%s: %s", paths[i], outcome.error);
        assert_text(outcome.error, "only http and https");
    }
}
END_TEST

/* ---- what is refused ---- */

START_TEST(other_schemes_and_malformed_urls_are_refused)
{
    static const char *const urls[] = {"file:///etc/hostname",
                                       "ftp://127.0.0.1/",
                                       "dict://127.0.0.1/",
                                       "http://",
                                       "http://127.0.0.1:99999/",
                                       "",
                                       "http://a b/",
                                       "http://127.0.0.1/\r\nX: y"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct outcome outcome = get(urls[i]);
        ck_assert_msg(outcome.end == FETCH_REFUSED, "%s: %s", urls[i], outcome.error);
    }
}
END_TEST

START_TEST(an_address_that_is_not_allowed_is_refused_before_connecting)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.2:%d/hello", inside->port);
    struct outcome outcome = get(url);
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "127.0.0.2");
    assert_text(outcome.error, "loopback");
    assert_text(outcome.error, "--allow-net 127.0.0.2");
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
    snprintf(url, sizeof url, "http://[::ffff:127.0.0.2]:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

START_TEST(a_name_is_judged_by_its_address)
{
    char url[128];
    snprintf(url, sizeof url, "http://outside.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    snprintf(url, sizeof url, "http://inside.test:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

/* Both names stand for ::1, which is not allowed, and 127.0.0.1, which is. */
START_TEST(a_name_with_one_allowed_address_is_reached_there)
{
    char url[128];
    snprintf(url, sizeof url, "http://localhost:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    snprintf(url, sizeof url, "http://both.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
}
END_TEST

START_TEST(a_name_that_changes_its_address_gains_nothing)
{
    char url[128];
    snprintf(url, sizeof url, "http://rebind.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    fetcher_free(fetcher); /* and with it what libcurl remembers of names */
    fetcher = fetcher_new(loop, &guard);
    snprintf(url, sizeof url, "http://rebind.test:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

/* ---- what is too big ---- */

START_TEST(a_body_of_the_limit_is_kept_and_one_byte_more_is_too_big)
{
    struct fetch_request request = request_of(url_of("/body?100000"));
    request.body_max_bytes = 100000;
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_uint_eq(outcome.body_len, 100000);
    request.body_max_bytes = 99999;
    outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_str_eq(outcome.error, "body of 100000 bytes (limit 99999)");
}
END_TEST

START_TEST(a_body_without_end_is_too_big)
{
    struct outcome outcome = get(url_of("/endless"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_uint_eq(outcome.body_len, 0);
    ck_assert_str_eq(outcome.error, "body of more than 1048576 bytes (limit 1048576)");
}
END_TEST

START_TEST(an_announced_length_beyond_the_limit_is_too_big_before_the_body_comes)
{
    struct outcome outcome = get(url_of("/announce?2000000000"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_str_eq(outcome.error, "body of 2000000000 bytes (limit 1048576)");
}
END_TEST

START_TEST(headers_without_end_are_too_big)
{
    struct outcome outcome = get(url_of("/headers"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    assert_text(outcome.error, "headers of more than 262144 bytes");
}
END_TEST

/* ---- what fails ---- */

START_TEST(a_peer_that_never_answers_fails_at_the_time_out)
{
    struct fetch_request request = request_of(url_of("/hang"));
    request.timeout_ms = 150;
    int64_t start_mono_ms = clock_mono_ms();
    struct outcome outcome = run(&request);
    int64_t took_ms = clock_mono_ms() - start_mono_ms;
    ck_assert_int_eq(outcome.end, FETCH_FAILED);
    ck_assert_str_eq(outcome.error, "no complete answer within 150 ms");
    ck_assert_msg(took_ms >= 140 && took_ms < 5000, "%lld ms", (long long)took_ms);
}
END_TEST

START_TEST(the_time_out_holds_while_all_connections_to_the_host_are_taken)
{
    enum { TAKEN = 16 };
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome taken[TAKEN] = {0};
    for (int i = 0; i < TAKEN; i++)
        fetch_start(fetcher, &request, on_done, &taken[i]);
    await(atomic_load(&peer->requests), TAKEN);
    request.timeout_ms = 100;
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_FAILED);
    ck_assert_int_eq(atomic_load(&peer->connections), TAKEN);
    for (int i = 0; i < TAKEN; i++)
        ck_assert_int_eq(taken[i].calls, 0);
}
END_TEST

START_TEST(a_name_that_is_not_resolved_in_time_fails_and_stops_nobody)
{
    char url[128];
    pthread_mutex_lock(&slow_lock);
    snprintf(url, sizeof url, "http://slow.test:%d/hello", peer->port);
    struct fetch_request request = request_of(url);
    struct outcome slow = {0}, cancelled = {0};
    request.timeout_ms = 300;
    fetch_start(fetcher, &request, on_done, &slow);
    request.timeout_ms = DEADLINE_MS;
    struct fetch *fetch = fetch_start(fetcher, &request, on_done, &cancelled);
    await(atomic_load(&lookups_waiting), 2);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    fetch_cancel(fetch);
    await(slow.calls, 1);
    ck_assert_int_eq(slow.end, FETCH_FAILED);
    ck_assert_int_eq(cancelled.calls, 0);
    ck_assert_int_eq(atomic_load(&lookups_waiting), 2);
    pthread_mutex_unlock(&slow_lock);
    await(-atomic_load(&lookups_waiting), 0);
}
END_TEST

START_TEST(a_refused_connection_fails)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "both.test"};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    char url[64];
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len),
                     0); /* but not listening */
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        snprintf(url, sizeof url, "http://%s:%d/", hosts[i], ntohs(address.sin_port));
        struct outcome outcome = get(url);
        ck_assert_msg(outcome.end == FETCH_FAILED, "%s: %s", url, outcome.error);
    }
    close(fd);
}
END_TEST

START_TEST(a_peer_that_speaks_no_http_or_breaks_off_fails)
{
    static const char *const paths[] = {"/garbage", "/cut", "/unknown", "/to?/garbage"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct outcome outcome = get(url_of(paths[i]));
        ck_assert_msg(outcome.end == FETCH_FAILED, "%s: %d %s", paths[i], outcome.end,
                      outcome.error);
        ck_assert_uint_eq(outcome.body_len, 0);
    }
}
END_TEST

/* ---- life cycle ---- */

START_TEST(a_cancelled_fetch_calls_nobody)
{
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome outcome = {0};
    fetch_cancel(fetch_start(fetcher, &request, on_done, &outcome));
    struct fetch *fetch = fetch_start(fetcher, &request, on_done, &outcome);
    await(atomic_load(&peer->requests), 1);
    fetch_cancel(fetch);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(a_callback_may_cancel_another_fetch_even_one_that_ends_in_the_same_turn)
{
    struct fetch *a, *b;
    struct outcome of_a = {.cancel = &b}, of_b = {.cancel = &a};
    struct fetch_request request = request_of("file:///etc/hostname");
    a = fetch_start(fetcher, &request, on_done, &of_a);
    b = fetch_start(fetcher, &request, on_done, &of_b);
    await(of_a.calls + of_b.calls, 1);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(of_a.calls + of_b.calls, 1);
}
END_TEST

START_TEST(freeing_the_fetcher_cancels_what_is_in_flight)
{
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome outcome = {0};
    for (int i = 0; i < 3; i++)
        fetch_start(fetcher, &request, on_done, &outcome);
    await(atomic_load(&peer->requests), 3);
    fetcher_free(fetcher);
    fetcher = NULL;
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(many_fetches_run_in_parallel_over_few_connections)
{
    enum { FETCHES = 200 };
    static struct outcome outcomes[FETCHES];
    struct fetch_request request = request_of(url_of("/hello"));
    for (int i = 0; i < FETCHES; i++)
        fetch_start(fetcher, &request, on_done, &outcomes[i]);
    for (int i = 0; i < FETCHES; i++)
        await(outcomes[i].calls, 1);
    for (int i = 0; i < FETCHES; i++) {
        ck_assert_int_eq(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].status, 200);
        ck_assert_str_eq(outcomes[i].body, "hello");
    }
    ck_assert_int_le(atomic_load(&peer->connections), 16);
}
END_TEST

START_TEST(an_idle_fetcher_keeps_no_loop_alive)
{
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(ev_run(loop, EVRUN_NOWAIT), 0);
}
END_TEST

/* `tests` ends with NULL. */
static void add_case(Suite *suite, const char *name, const TTest *const *tests)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 2. * DEADLINE_MS / 1000);
    while (*tests != NULL)
        tcase_add_test(tcase, *tests++);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    const TTest *const answers[] = {
        an_answer_comes_with_status_body_and_validators,
        a_status_of_the_peer_is_an_answer,
        a_matching_etag_is_answered_304_without_body,
        the_request_carries_our_headers_and_the_callers,
        a_stored_validator_cannot_add_a_header,
        a_proxy_in_the_environment_is_ignored,
        headers_that_are_too_long_are_ignored_and_the_longest_allowed_is_kept,
        headers_of_an_interim_answer_do_not_count,
        retry_after_is_read_as_seconds_and_as_date,
        NULL,
    };
    const TTest *const redirects[] = {
        a_redirect_is_followed_and_its_headers_do_not_count,
        a_redirect_loop_is_refused_after_five,
        a_redirect_to_an_address_that_is_not_allowed_is_refused,
        a_redirect_to_another_scheme_is_refused,
        NULL,
    };
    const TTest *const limits[] = {
        other_schemes_and_malformed_urls_are_refused,
        an_address_that_is_not_allowed_is_refused_before_connecting,
        a_name_is_judged_by_its_address,
        a_name_with_one_allowed_address_is_reached_there,
        a_name_that_changes_its_address_gains_nothing,
        a_body_of_the_limit_is_kept_and_one_byte_more_is_too_big,
        a_body_without_end_is_too_big,
        an_announced_length_beyond_the_limit_is_too_big_before_the_body_comes,
        headers_without_end_are_too_big,
        NULL,
    };
    const TTest *const failures[] = {
        a_peer_that_never_answers_fails_at_the_time_out,
        the_time_out_holds_while_all_connections_to_the_host_are_taken,
        a_name_that_is_not_resolved_in_time_fails_and_stops_nobody,
        a_refused_connection_fails,
        a_peer_that_speaks_no_http_or_breaks_off_fails,
        NULL,
    };
    const TTest *const life_cycle[] = {
        a_cancelled_fetch_calls_nobody,
        a_callback_may_cancel_another_fetch_even_one_that_ends_in_the_same_turn,
        freeing_the_fetcher_cancels_what_is_in_flight,
        many_fetches_run_in_parallel_over_few_connections,
        an_idle_fetcher_keeps_no_loop_alive,
        NULL,
    };
    Suite *suite = suite_create("fetch");
    add_case(suite, "answers", answers);
    add_case(suite, "redirects", redirects);
    add_case(suite, "limits", limits);
    add_case(suite, "failures", failures);
    add_case(suite, "life cycle", life_cycle);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
