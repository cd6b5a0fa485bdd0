/* SPDX-License-Identifier: MIT */
/* The HTTP door: routes in, answers out, inside a libev loop. It owns the sockets, the
 * protocol and all that a hostile client may try (see "What is refused"); it knows no
 * page, no job and no Redis. The HTTP library stays behind http.c, http_request.c and
 * http_answer.c.
 *
 * A handler answers its request before it returns, or calls http_defer() and answers
 * later, once, however late: also when the client is gone or the server is closed by
 * then.
 *
 * A route takes no body, or one up to a limit that its handler gets whole, or one of any
 * length that passes in pieces, no faster than the handler takes them (http_read()).
 *
 * What is refused, each as application/problem+json: an unknown path (404), another
 * method than the path has (405 with Allow), what access.h forbids (401, 403), a body too
 * large (413), or too slow (408), a Host that is not ours (421), and with 400 whatever
 * two parsers could read differently. All but 404 and 405 end the connection, and so does
 * every answer that is given before the body has ended, or behind a chunked one: how
 * loosely the library reads chunks cannot be seen, so nothing behind them is taken for a
 * request. What does not even look like HTTP is answered by the library, with a page of
 * its own, or just closed on. */
#ifndef LEAT_DASHBOARD_HTTP_H
#define LEAT_DASHBOARD_HTTP_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>

struct ev_loop;
struct http_server;
struct http_request;

/* Answers `request` now, or keeps it with http_defer(). Must not call http_close(). */
typedef void (*http_handler_fn)(struct http_request *request, void *arg);

struct http_route {
    const char *method; /* "GET" serves HEAD too */
    const char *path;   /* whole, or up to a final slash and `*`: see http_rest() */
    http_handler_fn handler;
    size_t body_max_bytes; /* 0: no body is taken; else it is http_body() */
    int is_streamed;       /* the handler runs before the body; see http_read() */
};

struct http_config {
    const char *listen;              /* see listen_open() */
    const struct http_route *routes; /* the first that fits; borrowed until closed */
    size_t route_count;
    void *arg;                      /* for the handlers */
    const char *token;              /* see access.h; borrowed until closed */
    const char *const *allow_hosts; /* more names to serve under; borrowed until closed */
    size_t allow_host_count;
    int64_t header_deadline_ms; /* headers complete, since the connection; 0: 10 s */
    /* Body complete, since its headers; 0: 30 s. Of a streamed body as many bytes as that
     * time has milliseconds (1 KB/s). */
    int64_t body_deadline_ms;
    int64_t idle_ms; /* next headers complete, since the last answer; 0: 30 s */
};

/* Start to serve. Owns: end it with http_close(). Errors: NULL and what listen_open()
 * says; nothing is left open then. */
struct http_server *http_listen(struct ev_loop *loop, const struct http_config *config,
                                struct err *err);

/* Stop: deferred requests get a 503, all connections end. NULL is fine. A handler that
 * still holds a deferred request must answer it nevertheless; the answer goes nowhere. */
void http_close(struct http_server *server);

/* The address as bound, e.g. "127.0.0.1:8740" (a port 0 is resolved) or
 * "unix:/run/x.sock". */
const char *http_address(const struct http_server *server);

/* Is the server reached from this machine only? A unix socket is. */
int http_is_loopback(const struct http_server *server);

/* Keep the request beyond the handler's return. Calls: only from its handler. */
void http_defer(struct http_request *request);

/* Has the client of a deferred request hung up, as far as this machine knows? One that
 * has only shut its own side looks the same. */
int http_is_gone(const struct http_request *request);

/* The body of a route that takes one; empty when there is none. Borrowed until the
 * answer. */
struct bytes http_body(struct http_request *request);

/* Where a streamed body goes. Neither is called behind http_answer(). */
struct http_reader {
    /* Takes from the front of `piece` and returns how many bytes. Fewer than all: the
     * rest is kept, and nothing more is read until http_read_on(). May answer. */
    size_t (*on_piece)(void *arg, struct bytes piece);
    /* The body is complete or, with `is_whole` 0, its client is gone or was told off; the
     * request is to be answered still, now or later. Called once. */
    void (*on_end)(void *arg, int is_whole);
};

/* Have the body passed to `reader`, which is borrowed; the request counts as deferred. An
 * answer before the body's end is to be small (a few KB), and ends the connection.
 * Calls: only from the handler of a route that is streamed; nothing comes before it
 * returned. */
void http_read(struct http_request *request, const struct http_reader *reader, void *arg);

/* The reader, which left some of a piece, can take more now. Calls: not from
 * on_piece(). */
void http_read_on(struct http_request *request);

/* Add a header to the answer to come; one of the standard set (e.g. Cache-Control) is
 * replaced by it. What HTTP does not allow in a name or value is left out. */
void http_add_header(struct http_request *request, const char *name, const char *value);

/* Answer, exactly once; the request must not be touched afterwards. Copies `body`.
 * `content_type` may be NULL for an answer without a body. */
void http_answer(struct http_request *request, unsigned status, const char *content_type,
                 struct bytes body);

/* Answer with application/problem+json; `detail` may be NULL. Source: RFC 9457. */
void http_problem(struct http_request *request, unsigned status, const char *title,
                  const char *detail);

/* A query parameter, decoded ("" when it has no value), or a header; the first if there
 * are several, names in any case. NULL: there is none, or the server is closed. Borrowed
 * until the answer or http_close(). */
const char *http_query(struct http_request *request, const char *name);
const char *http_header(struct http_request *request, const char *name);

/* What stood for the `*` of the route, decoded; "" for a route without. NULL and borrowed
 * as above. */
const char *http_rest(struct http_request *request);

#endif
