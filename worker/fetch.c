/* SPDX-License-Identifier: MIT */
/* One fetch: what libcurl is told of it, and what came of it. */
#include "base/clock.h"
#include "base/netguard.h"
#include "base/text.h"
#include "worker/fetch_inside.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum {
    IDLE_MAX = 64,
    IDLE_BYTES_MAX = 16 * 1024, /* of a buffer of an idle fetch */
};

void fetch_must(int done)
{
    if (done)
        return;
    fputs("leat: libcurl: out of memory, too old, or without http or https\n", stderr);
    abort();
}

/* Say why a fetch ends, whatever code libcurl makes of it. The first reason counts. */
__attribute__((format(printf, 3, 4))) static void
decide(struct fetch *fetch, enum fetch_end end, const char *format, ...)
{
    if (fetch->verdict != FETCH_OK)
        return;
    fetch->verdict = end;
    va_list args;
    va_start(args, format);
    vsnprintf(fetch->verdict_text, sizeof fetch->verdict_text, format, args);
    va_end(args);
}

/* Once a peer may be asked, refusals of this hop's other addresses do not count. */
static void reach(struct fetch *fetch)
{
    fetch->reaching = 1;
    fetch->verdict = FETCH_OK;
}

static int may_connect(const struct fetcher *fetcher, const struct sockaddr *address,
                       struct err *err)
{
    return fetcher->guard == NULL ||
           netguard_check(fetcher->guard, address, err) == LEAT_OK;
}

/* libcurl asks for a socket. A name with several addresses is refused only if none of
 * them may be connected to: an allowed one that did not answer may do so later. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct fetch *fetch = arg;
    struct err err = {0};
    if (!may_connect(fetch->fetcher, &address->addr, &err)) {
        if (!fetch->reaching)
            decide(fetch, FETCH_REFUSED, "%s", err.text);
        return CURL_SOCKET_BAD;
    }
    reach(fetch);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A request is about to be sent, over a new connection or a kept one. */
static int on_request(void *arg, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    (void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
    struct fetch *fetch = arg;
    fetch->requests++;
    reach(fetch);
    return CURL_PREREQFUNC_OK;
}

/* A header of the newest answer, or NULL. Valid until the next call for this handle. */
static const char *header_of(CURL *easy, const char *name)
{
    struct curl_header *header;
    const int newest = -1;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, newest, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* Redirects and 304 may announce a length although no body of ours follows. */
static int announces_too_much(struct fetch *fetch)
{
    long status = 0;
    int64_t len;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    const char *text = header_of(fetch->easy, "Content-Length");
    if (status / 100 == 3 || text == NULL)
        return 0;
    if (text_to_int(bytes_of(text), &len) != 0 || len < 0)
        return 0;
    if ((uint64_t)len <= fetch->body_max_bytes)
        return 0;
    decide(fetch, FETCH_TOO_BIG, "body of %lld bytes (limit %zu)", (long long)len,
           fetch->body_max_bytes);
    return 1;
}

/* One line of the headers; the last one is empty. */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    size_t len = size * count;
    fetch->reaching = 0;
    fetch->header_bytes += len;
    if (fetch->header_bytes > FETCH_HEADERS_BYTES_MAX) {
        decide(fetch, FETCH_TOO_BIG, "headers of more than %d bytes (limit %d)",
               FETCH_HEADERS_BYTES_MAX, FETCH_HEADERS_BYTES_MAX);
        return CURL_WRITEFUNC_ERROR;
    }
    int is_last = len > 0 && (line[0] == '\r' || line[0] == '\n');
    return is_last && announces_too_much(fetch) ? CURL_WRITEFUNC_ERROR : len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    size_t len = size * count, max = fetch->body_max_bytes;
    if (len > max - fetch->body.len) {
        decide(fetch, FETCH_TOO_BIG, "body of more than %zu bytes (limit %zu)", max, max);
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&fetch->body, data, len);
    return len;
}

void fetch_free(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    free(fetch->headers);
    buf_fini(&fetch->lines);
    buf_fini(&fetch->post);
    buf_fini(&fetch->body);
    free(fetch);
}

static void empty(struct buf *buf)
{
    if (buf->size > IDLE_BYTES_MAX)
        buf_fini(buf);
    buf_reset(buf);
}

/* It is over: the next one may have it. */
static void fetch_rest(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    if (fetcher->idle_count == IDLE_MAX) {
        fetch_free(fetch);
        return;
    }
    empty(&fetch->lines);
    empty(&fetch->post);
    empty(&fetch->body);
    fetch->next = fetcher->idle;
    fetcher->idle = fetch;
    fetcher->idle_count++;
}

/* Take a fetch out of libcurl and out of the list: no callback reaches it any more. */
static void fetch_detach(struct fetch *fetch)
{
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
    ev_timer_stop(fetch->fetcher->loop, &fetch->deadline);
    *fetch->link = fetch->next;
    if (fetch->next != NULL)
        fetch->next->link = fetch->link;
}

void fetch_cancel(struct fetch *fetch)
{
    fetch_detach(fetch);
    fetch_rest(fetch);
}

/* libcurl calls an answer that is not HTTP an unsupported protocol, too: so no row is
 * final while a peer is being asked. A code without a row is a failure that may pass. */
static void decide_by_code(struct fetch *fetch, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum fetch_end end;
        const char *text;
    } rows[] = {
        {CURLE_URL_MALFORMAT, FETCH_REFUSED, "the URL is malformed"},
        {CURLE_UNSUPPORTED_PROTOCOL, FETCH_REFUSED, "only http and https are fetched"},
        {CURLE_TOO_MANY_REDIRECTS, FETCH_REFUSED, "too many redirects"},
    };
    const char *text = fetch->curl_text;
    if (text[0] == '\0')
        text = curl_easy_strerror(code);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].code == code && !fetch->reaching)
            decide(fetch, rows[i].end, "%s: %s", rows[i].text, text);
    decide(fetch, FETCH_FAILED, "%s", text);
}

/* Copy a header of the answer. Returns `out`, or NULL for none or one too long. */
static const char *header_copy(CURL *easy, const char *name,
                               char out[FETCH_HEADER_VALUE_BYTES_MAX + 1])
{
    const char *value = header_of(easy, name);
    size_t len = value != NULL ? strlen(value) : SIZE_MAX;
    if (len > FETCH_HEADER_VALUE_BYTES_MAX)
        return NULL;
    return memcpy(out, value, len + 1);
}

/* Source: RFC 9110, section 10.2.3: seconds, or a date. */
static int64_t retry_after_ms(const char *value)
{
    int64_t s;
    if (value == NULL)
        return -1;
    if (text_to_int(bytes_of(value), &s) != 0) {
        time_t at_s = curl_getdate(value, NULL);
        if (at_s == -1)
            return -1;
        int64_t left_s = (int64_t)at_s - clock_wall_ms() / 1000;
        s = left_s > 0 ? left_s : 0;
    }
    if (s < 0)
        return -1;
    return s < FETCH_RETRY_AFTER_S_MAX ? s * 1000
                                       : FETCH_RETRY_AFTER_S_MAX * INT64_C(1000);
}

/* What libcurl owns is copied first, because `done` may start the next fetch. */
void fetch_finish(struct fetch *fetch, CURLcode code)
{
    char etag[FETCH_HEADER_VALUE_BYTES_MAX + 1];
    char last_modified[FETCH_HEADER_VALUE_BYTES_MAX + 1];
    char content_type[FETCH_HEADER_VALUE_BYTES_MAX + 1];
    struct fetch_result result = {.retry_after_ms = -1};
    if (code == CURLE_OK) {
        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &result.status);
        result.body = buf_bytes(&fetch->body);
        result.etag = header_copy(fetch->easy, "ETag", etag);
        result.last_modified = header_copy(fetch->easy, "Last-Modified", last_modified);
        result.content_type = header_copy(fetch->easy, "Content-Type", content_type);
        result.retry_after_ms = retry_after_ms(header_of(fetch->easy, "Retry-After"));
    } else {
        decide_by_code(fetch, code);
        result.end = fetch->verdict;
        memcpy(result.error, fetch->verdict_text, sizeof result.error);
    }
    fetch_detach(fetch);
    fetch->done(fetch->arg, &result);
    fetch_rest(fetch);
}

/* libcurl's own time-out does not run while a fetch waits for a free connection. */
static void on_deadline(struct ev_loop *loop, ev_timer *deadline, int revents)
{
    (void)loop, (void)revents;
    struct fetch *fetch = deadline->data;
    decide(fetch, FETCH_FAILED, "no complete answer within %lld ms",
           (long long)fetch->timeout_ms);
    fetch_finish(fetch, CURLE_OPERATION_TIMEDOUT);
}

static void line_add(struct fetch *fetch, const char *name, const char *value)
{
    buf_adds(&fetch->lines, name);
    buf_adds(&fetch->lines, value);
    buf_addc(&fetch->lines, '\0');
    fetch->line_count++;
}

/* A stored value that would break the line apart makes the request unconditional. */
static void condition_add(struct fetch *fetch, const char *name, const char *value)
{
    if (value != NULL && strpbrk(value, "\r\n") == NULL)
        line_add(fetch, name, value);
}

static void set_number(CURL *easy, CURLoption option, long value)
{
    fetch_must(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

static void set_text(CURL *easy, CURLoption option, const char *value)
{
    fetch_must(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

/* What holds for every request. CURLOPT_QUICK_EXIT: a fetch that ends while its name is
 * being resolved leaves the resolver's thread behind instead of waiting for it. */
static void set_rules(CURL *easy)
{
    set_number(easy, CURLOPT_NOSIGNAL, 1);
    set_number(easy, CURLOPT_QUICK_EXIT, 1);
    set_number(easy, CURLOPT_MAXREDIRS, FETCH_REDIRECTS_MAX);
    set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set_text(easy, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    set_text(easy, CURLOPT_USERAGENT, "leat/0.1");
}

/* Nobody else is trusted: libcurl would go on to ask the system's folder, too. */
static void set_trust(CURL *easy, const char *ca_file)
{
    if (ca_file == NULL)
        return;
    set_text(easy, CURLOPT_CAINFO, ca_file);
    set_text(easy, CURLOPT_CAPATH, NULL);
}

static void set_callbacks(CURL *easy, struct fetch *fetch)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->curl_text);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

/* Whoever is told to POST elsewhere has not been asked to run the job there. Without the
 * empty Expect libcurl would hold back a large body until the peer wants it. */
static void set_post(struct fetch *fetch, struct bytes body)
{
    CURL *easy = fetch->easy;
    buf_add(&fetch->post, body.at, body.len);
    fetch_must(curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(&fetch->post)) ==
               CURLE_OK);
    fetch_must(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)body.len) == CURLE_OK);
    set_number(easy, CURLOPT_POST, 1);
    line_add(fetch, "Expect:", "");
}

/* libcurl reads the list, and leaves it alone. */
static void set_headers(struct fetch *fetch)
{
    size_t count = fetch->line_count;
    char *line = fetch->lines.data;
    fetch->headers = xrealloc(fetch->headers, (count + 1) * sizeof *fetch->headers);
    for (size_t i = 0; i < count; i++, line += strlen(line) + 1)
        fetch->headers[i] = (struct curl_slist){line, &fetch->headers[i + 1]};
    if (count > 0)
        fetch->headers[count - 1].next = NULL;
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, count > 0 ? fetch->headers : NULL);
}

/* All that the request before may have set is set anew. */
static void set_request(struct fetch *fetch, const struct fetch_request *request)
{
    set_number(fetch->easy, CURLOPT_FOLLOWLOCATION, request->post == NULL);
    if (request->post != NULL)
        set_post(fetch, *request->post);
    else
        set_number(fetch->easy, CURLOPT_HTTPGET, 1);
    for (size_t i = 0; i < request->header_count; i++)
        line_add(fetch, request->headers[i], "");
    condition_add(fetch, "If-None-Match: ", request->etag);
    condition_add(fetch, "If-Modified-Since: ", request->last_modified);
    set_headers(fetch);
    /* One that libcurl does not even take leaves none, which ends as malformed. */
    if (curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url) != CURLE_OK)
        curl_easy_setopt(fetch->easy, CURLOPT_URL, NULL);
}

static void set_up(struct fetch *fetch)
{
    set_rules(fetch->easy);
    set_trust(fetch->easy, fetch->fetcher->ca_file);
    set_callbacks(fetch->easy, fetch);
}

/* When a kept connection turns out to be closed libcurl asks again, by another; but it
 * counts that over the life of a handle, and the sixth time it fails. */
static void forget_tries(struct fetch *fetch)
{
    if (fetch->requests > 1) {
        curl_easy_reset(fetch->easy);
        set_up(fetch);
    }
    fetch->requests = 0;
}

static struct fetch *fetch_new(struct fetcher *fetcher)
{
    struct fetch *fetch = xcalloc(1, sizeof *fetch);
    fetch->fetcher = fetcher;
    fetch->easy = curl_easy_init();
    fetch_must(fetch->easy != NULL);
    set_up(fetch);
    return fetch;
}

/* One that rested, as new; else a new one. */
static struct fetch *fetch_take(struct fetcher *fetcher)
{
    struct fetch *fetch = fetcher->idle;
    if (fetch == NULL)
        return fetch_new(fetcher);
    fetcher->idle = fetch->next;
    fetcher->idle_count--;
    forget_tries(fetch);
    fetch->line_count = fetch->header_bytes = 0;
    fetch->reaching = 0;
    fetch->verdict = FETCH_OK;
    fetch->verdict_text[0] = fetch->curl_text[0] = '\0';
    return fetch;
}

static void fetch_attach(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    fetch->next = fetcher->first;
    fetch->link = &fetcher->first;
    if (fetch->next != NULL)
        fetch->next->link = &fetch->next;
    fetcher->first = fetch;
    fetch_must(curl_multi_add_handle(fetcher->multi, fetch->easy) == CURLM_OK);
}

/* The loop's idea of now may be old: its lag must not shorten the time-out. */
static void deadline_start(struct fetch *fetch)
{
    struct ev_loop *loop = fetch->fetcher->loop;
    double lag_s = ev_time() - ev_now(loop);
    ev_timer_init(&fetch->deadline, on_deadline, (double)fetch->timeout_ms / 1000 + lag_s,
                  0);
    fetch->deadline.data = fetch;
    ev_timer_start(loop, &fetch->deadline);
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          fetch_fn done, void *arg)
{
    assert(request->timeout_ms > 0);
    if (fetcher->multi == NULL)
        fetcher_set_up(fetcher);
    struct fetch *fetch = fetch_take(fetcher);
    fetch->done = done;
    fetch->arg = arg;
    fetch->timeout_ms = request->timeout_ms;
    fetch->body_max_bytes = request->body_max_bytes;
    set_request(fetch, request);
    fetch_attach(fetch);
    deadline_start(fetch);
    return fetch;
}
