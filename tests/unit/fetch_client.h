/* SPDX-License-Identifier: MIT */
/* A fetcher in a loop of a test's own, two peers, and what came of each fetch. Names are
 * resolved by a getaddrinfo() of our own, so no test asks a name server. */
#ifndef LEAT_TESTS_UNIT_FETCH_CLIENT_H
#define LEAT_TESTS_UNIT_FETCH_CLIENT_H

#include "base/netguard.h"
#include "fetch_peer.h"

#include <dlfcn.h>
#include <ev.h>
#include <netdb.h>
#include <signal.h>

enum { DEADLINE_MS = 20000, BODY_MAX_BYTES = 1024 * 1024 };

/* ---- names ---- */

static atomic_int lookups;         /* so far */
static atomic_int lookups_waiting; /* inside the look-up of slow.test */
static pthread_mutex_t slow_lock = PTHREAD_MUTEX_INITIALIZER; /* held: it waits */

/* NULL: what this machine calls loopback, ::1 first. */
static inline const char *ip_of(const char *name)
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

static inline void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "(none)");
}

static inline void on_done(void *arg, const struct fetch_result *result)
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

static inline void on_deadline(struct ev_loop *at, ev_timer *timer, int revents)
{
    (void)at, (void)timer, (void)revents;
    ck_abort_msg("nothing happened in time");
}

static inline void on_tick(struct ev_loop *at, ev_timer *timer, int revents)
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

static inline struct fetch_request request_of(const char *url)
{
    return (struct fetch_request){
        .url = url, .timeout_ms = DEADLINE_MS, .body_max_bytes = BODY_MAX_BYTES};
}

/* The URL of a path at the allowed peer; valid until the next call. */
static inline const char *url_of(const char *path)
{
    static char url[1024];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", peer->port, path);
    return url;
}

static inline struct outcome run(const struct fetch_request *request)
{
    struct outcome outcome = {0};
    fetch_start(fetcher, request, on_done, &outcome);
    ck_assert_int_eq(outcome.calls, 0);
    await(outcome.calls, 1);
    ck_assert_int_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.end == FETCH_OK, outcome.error[0] == '\0');
    return outcome;
}

static inline struct outcome get(const char *url)
{
    struct fetch_request request = request_of(url);
    return run(&request);
}

static inline void assert_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

static inline void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    loop = ev_loop_new(EVFLAG_AUTO);
    guard = (struct netguard){0};
    ck_assert_int_eq(netguard_allow(&guard, "127.0.0.1", NULL), 0);
    fetcher = fetcher_new(loop, &guard);
    peer = peer_new("127.0.0.1");
    inside = peer_new("127.0.0.2");
}

static inline void tear_down(void)
{
    fetcher_free(fetcher);
    peer_free(peer);
    peer_free(inside);
    ev_loop_destroy(loop);
}

#endif
