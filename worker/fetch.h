/* SPDX-License-Identifier: MIT */
/* HTTP GET and POST for jobs, over libcurl's multi interface in the worker's libev loop:
 * one thread, nothing blocks (names are resolved in threads of libcurl's). The only door
 * to libcurl.
 *
 * Only http and https, no proxy, cookie, netrc or content encoding. A GET follows at most
 * 5 redirects, a POST none: the redirect is its answer. Each address is shown to the
 * netguard when a socket is about to be connected to it, for each redirect anew; so a
 * name that changes its answer gains nothing. A body meets its limit while it arrives,
 * before memory is allocated for it. Of several answers (redirects, 1xx) only the last
 * one's headers count. An https peer must show a certificate that holds and names it:
 * else nothing is sent.
 *
 * The program ignores SIGPIPE. All calls come from the loop's thread. */
#ifndef LEAT_WORKER_FETCH_H
#define LEAT_WORKER_FETCH_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct netguard;
struct fetcher;
struct fetch;

enum {
    FETCH_ERROR_BYTES = 256,
    FETCH_REDIRECTS_MAX = 5,
    FETCH_CONNECTIONS = 16, /* to one host at once, unless fetcher_limit() says so */
    FETCH_HEADER_VALUE_BYTES_MAX = 256,   /* of a header that the result hands out */
    FETCH_HEADERS_BYTES_MAX = 256 * 1024, /* of all headers, redirects included */
    FETCH_RETRY_AFTER_S_MAX = 365 * 24 * 3600,
};

/* Borrowed until fetch_start() returns. */
struct fetch_request {
    const char *url;
    int64_t timeout_ms; /* for the whole fetch, waiting and redirects included; > 0 */
    size_t body_max_bytes;
    const struct bytes *post; /* POST this body, of which a copy is made; NULL: GET */
    const char *etag, *last_modified; /* of the copy at hand; NULL: unconditional */
    /* `Name: value` lines. The caller has refused line breaks, and Host, Content-Length,
     * Transfer-Encoding and Connection, which would let a job forge the request. They go
     * to the targets of redirects too; only Authorization and Cookie stay with the first
     * host. */
    const char *const *headers;
    size_t header_count;
};

enum fetch_end {
    FETCH_OK,      /* an HTTP answer of any status */
    FETCH_REFUSED, /* URL, scheme or address not allowed, too many redirects: permanent */
    FETCH_FAILED,  /* name, connection, time-out, protocol: may pass */
    FETCH_TOO_BIG, /* body or headers beyond their limit: permanent */
};

/* Borrowed until the callback returns. */
struct fetch_result {
    enum fetch_end end;
    /* The rest but `error` only with FETCH_OK. */
    long status;
    struct bytes body;
    /* NULL: none, or one of more than FETCH_HEADER_VALUE_BYTES_MAX bytes. */
    const char *etag, *last_modified, *content_type;
    int64_t retry_after_ms;        /* from now, cut at a year; -1: none */
    char error[FETCH_ERROR_BYTES]; /* "" with FETCH_OK */
};

typedef void (*fetch_fn)(void *arg, const struct fetch_result *result);

/* Make a fetcher; libcurl is set up at the first fetch only, so that a worker that
 * fetches nothing does not pay for it. `guard` is borrowed and may be changed between
 * fetches, but a connection kept open is not judged again; NULL, for URLs that nobody but
 * the operator names, lets every address pass. Owns: the caller, fetcher_free(). */
struct fetcher *fetcher_new(struct ev_loop *loop, const struct netguard *guard);

/* Let it have at most so many connections to one host, before its first fetch. Fetches
 * that find them all taken wait for one, and their time-out runs. */
void fetcher_limit(struct fetcher *fetcher, int connections);

/* Of https peers trust only those that an authority of this file (PEM) signed, before the
 * first fetch; NULL: those the system trusts. Borrowed. */
void fetcher_trust(struct fetcher *fetcher, const char *ca_file);

/* Cancel all fetches and free; not from inside a `done`. NULL is fine. */
void fetcher_free(struct fetcher *fetcher);

/* Start a fetch. Calls `done` exactly once, never before this returns. Owns: the fetcher,
 * up to the moment `done` is called. */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          fetch_fn done, void *arg);

/* Drop a fetch whose `done` was not called yet: it will not be. Its connection is closed
 * if the peer was asked. Allowed inside the `done` of another fetch. */
void fetch_cancel(struct fetch *fetch);

#endif
