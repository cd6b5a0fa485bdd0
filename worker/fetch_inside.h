/* SPDX-License-Identifier: MIT */
/* What fetch.c and fetcher.c share. */
#ifndef LEAT_WORKER_FETCH_INSIDE_H
#define LEAT_WORKER_FETCH_INSIDE_H

#include "base/buf.h"
#include "base/err.h"
#include "worker/fetch.h"

#include <curl/curl.h>
#include <ev.h>

struct fetcher {
    struct ev_loop *loop;
    const struct netguard *guard; /* NULL: no address is refused */
    int connections;              /* to one host, at most */
    const char *ca_file;          /* NULL: as the system has it */
    CURLM *multi;                 /* NULL until the first fetch */
    ev_timer timer;
    struct fetch *first;
    struct fetch *idle; /* for the next fetches: to make one anew costs more */
    int idle_count;
};

/* What is set in `easy` for good stays when the fetch is over and waits for the next. */
struct fetch {
    struct fetcher *fetcher;
    struct fetch *next, **link; /* the fetcher's list; `link` is what points here */
    CURL *easy;
    struct curl_slist *headers; /* an array, as libcurl's list of `lines` */
    struct buf lines;           /* each with its NUL */
    size_t line_count;
    struct buf post;
    ev_timer deadline;
    int64_t timeout_ms;
    fetch_fn done;
    void *arg;
    size_t body_max_bytes;
    size_t header_bytes;
    struct buf body;
    int requests; /* sent: more than one for redirects, and for closed connections */
    int reaching; /* a peer that the guard lets pass is asked and has not answered yet */
    enum fetch_end verdict; /* ours; FETCH_OK: none, libcurl's code counts */
    char verdict_text[FETCH_ERROR_BYTES];
    char curl_text[CURL_ERROR_SIZE];
};

/* Calls of libcurl that fail only when memory runs out, or with a libcurl other than the
 * one built against, end as x…alloc() does. */
void fetch_must(int done);

/* Before the first fetch. */
void fetcher_set_up(struct fetcher *fetcher);

/* libcurl has ended a transfer: hand it over. */
void fetch_finish(struct fetch *fetch, CURLcode code);

/* One that rested, in its fetcher's list no more. */
void fetch_free(struct fetch *fetch);

#endif
