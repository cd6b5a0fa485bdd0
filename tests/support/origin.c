/* SPDX-License-Identifier: MIT */
/* A small web server for the tests, on loopback: the slow, flaky site that `refresh`
 * keeps copies of. It serves the pages of a list; every 7th request for one answers 500
 * and every 11th is slow. Paths under fixed prefixes misbehave in one way each (see
 * `routes`). A path is compared as it stands in the request line, query included, never
 * decoded. One thread a connection, so a handler may block; `lock` guards the counts
 * alone. */
#include "base/opt.h"
#include "pages.h"
#include "web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAIL_EVERY = 7,
    SLOW_EVERY = 11,
    SLOW_MS = 300,
    BLOCK_BYTES = 16384,
};

struct hits {
    char *path;
    unsigned count;
};

struct origin {
    int64_t port, seed; /* the options */
    const char *pages_file, *bodies_dir;
    struct opt_list words;
    struct pages pages;
    pthread_mutex_t lock;
    struct hits *hits;
    size_t hits_count;
    uint64_t page_requests;
};

struct request {
    struct origin *origin;
    struct MHD_Connection *connection;
    char *uri;      /* as it stands in the request line */
    unsigned count; /* how often this uri was asked for, this time included */
    int begun;
};

/* The count of `path`, raised by `by`. The caller holds no lock. */
static unsigned hits_add(struct origin *origin, const char *path, unsigned by)
{
    size_t i = 0;
    pthread_mutex_lock(&origin->lock);
    while (i < origin->hits_count && strcmp(origin->hits[i].path, path) != 0)
        i++;
    if (i == origin->hits_count) {
        origin->hits = xrealloc(origin->hits, (i + 1) * sizeof *origin->hits);
        origin->hits[origin->hits_count++] = (struct hits){xstrdup(path), 0};
    }
    unsigned count = origin->hits[i].count += by;
    pthread_mutex_unlock(&origin->lock);
    return count;
}

static enum MHD_Result answer_text(struct request *request, unsigned status,
                                   const char *text)
{
    return web_answer(request->connection, status, web_text(text));
}

/* 304 when the client names this ETag, else 200 with the text. */
static enum MHD_Result answer_tagged(struct request *request, const char *text,
                                     const char *etag, const char *modified)
{
    const char *known = web_header(request->connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    int same = known != NULL && strstr(known, etag) != NULL;
    struct MHD_Response *response = web_text(same ? "" : text);
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
    if (modified != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, modified);
    return web_answer(request->connection, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                      response);
}

static enum MHD_Result serve_redirect(struct request *request)
{
    const char *to = web_argument(request->connection, "to");
    struct MHD_Response *response = web_text("");
    MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION,
                            to != NULL ? to : request->uri);
    return web_answer(request->connection, MHD_HTTP_FOUND, response);
}

static ssize_t endless_block(void *cls, uint64_t position, char *block, size_t size)
{
    (void)cls, (void)position;
    memset(block, 'x', size);
    return (ssize_t)size;
}

static enum MHD_Result serve_endless(struct request *request)
{
    return web_answer(request->connection, MHD_HTTP_OK,
                      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                                        endless_block, NULL, NULL));
}

static enum MHD_Result serve_never(struct request *request)
{
    web_linger(request->connection, -1);
    return MHD_NO;
}

static enum MHD_Result serve_status(struct request *request)
{
    const char *retry_after = web_argument(request->connection, "retry_after");
    unsigned status = (unsigned)strtoul(request->uri + strlen("/status/"), NULL, 10);
    struct MHD_Response *response = web_text("as you wish\n");
    if (retry_after != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry_after);
    return web_answer(request->connection, status >= 200 && status <= 599 ? status : 400,
                      response);
}

static enum MHD_Result serve_slow(struct request *request)
{
    const char *ms = web_argument(request->connection, "ms");
    web_linger(request->connection, ms != NULL ? (int)strtol(ms, NULL, 10) : SLOW_MS);
    return answer_text(request, MHD_HTTP_OK, "slow\n");
}

/* Twice out of order, then silent, then well. */
static enum MHD_Result serve_troubled(struct request *request)
{
    if (request->count <= 2)
        return answer_text(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of order\n");
    if (request->count == 3)
        return serve_never(request);
    return answer_text(request, MHD_HTTP_OK, "well again\n");
}

static enum MHD_Result serve_count(struct request *request)
{
    char text[16], etag[24];
    snprintf(text, sizeof text, "%u\n", request->count);
    snprintf(etag, sizeof etag, "\"%u\"", request->count);
    return answer_tagged(request, text, etag, NULL);
}

static enum MHD_Result serve_etag(struct request *request)
{
    return answer_tagged(request, request->uri, "\"constant\"", NULL);
}

static enum MHD_Result serve_requests(struct request *request)
{
    const char *path = web_argument(request->connection, "path");
    char text[16];
    snprintf(text, sizeof text, "%u\n",
             hits_add(request->origin, path != NULL ? path : "", 0));
    return answer_text(request, MHD_HTTP_OK, text);
}

/* A page of the list: now and then a 500, now and then slow, else the body or a 304. */
static enum MHD_Result serve_page(struct request *request)
{
    struct origin *origin = request->origin;
    const struct page *page = pages_find(&origin->pages, request->uri);
    if (page == NULL)
        return answer_text(request, MHD_HTTP_NOT_FOUND, "no such page\n");
    pthread_mutex_lock(&origin->lock);
    uint64_t turn = ++origin->page_requests + (uint64_t)origin->seed;
    pthread_mutex_unlock(&origin->lock);
    if (turn % FAIL_EVERY == 0)
        return answer_text(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of order\n");
    if (turn % SLOW_EVERY == 0)
        web_linger(request->connection, SLOW_MS);
    return answer_tagged(request, buf_text(&page->body), page->etag, page->modified);
}

static const struct route {
    const char *prefix;
    enum MHD_Result (*serve)(struct request *request);
} routes[] = {
    {"/redirect-loop", serve_redirect},       /* 302 to itself */
    {"/redirect-to-private", serve_redirect}, /* ?to=URL: 302 to there */
    {"/endless", serve_endless},              /* a body without end */
    {"/never", serve_never},                  /* takes the request, never answers */
    {"/troubled", serve_troubled},            /* 503, 503, like /never, then a page */
    {"/status/", serve_status},               /* NNN[?retry_after=S]: that status */
    {"/slow", serve_slow},                    /* ?ms=N: answers after N ms */
    {"/count/", serve_count},      /* NAME: how often asked; a new ETag each time */
    {"/etag/", serve_etag},        /* NAME: one ETag for ever */
    {"/requests", serve_requests}, /* ?path=P: how often P was asked for */
    {"", serve_page},
};

/* The request begins; what this returns is `*request` below. */
static void *on_uri(void *origin, const char *uri, struct MHD_Connection *connection)
{
    struct request *request = xmalloc(sizeof *request);
    *request = (struct request){origin, connection, xstrdup(uri), 0, 0};
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls, (void)connection, (void)code;
    free(((struct request *)*request)->uri);
    free(*request);
}

/* Called twice: an answer at the first call would cost the connection its keep-alive. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)cls, (void)connection, (void)path, (void)method, (void)version, (void)upload;
    struct request *request = *state;
    const struct route *route = routes;
    *upload_len = 0;
    if (!request->begun)
        return request->begun = 1, MHD_YES;
    while (strncmp(request->uri, route->prefix, strlen(route->prefix)) != 0)
        route++;
    request->count =
        hits_add(request->origin, request->uri, route->serve != serve_requests);
    return route->serve(request);
}

/* Listen on loopback; NULL when that fails. */
static struct MHD_Daemon *listen_on(struct origin *origin)
{
    struct sockaddr_in address = web_loopback(origin->port);
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
        on_request, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK,
        on_uri, origin, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
}

static const struct opt options[] = {
    {"port", 0, OPT_INT, offsetof(struct origin, port), "PORT", "0", 0, 65535,
     "listen on this port; 0 lets the system choose"},
    {"pages", 0, OPT_TEXT, offsetof(struct origin, pages_file), "FILE", "/dev/null", 0, 0,
     "the paths to serve, one a line"},
    {"write-bodies", 0, OPT_TEXT, offsetof(struct origin, bodies_dir), "DIR", NULL, 0, 0,
     "write each page's body into DIR, named by its line in FILE"},
    {"seed", 0, OPT_INT, offsetof(struct origin, seed), "N", "0", 0, 1000000,
     "changes all bodies and which requests fail"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about = "Small web server for tests; prints `listening PORT' when it is ready.",
    .rows = options,
    .row_count = sizeof options / sizeof *options,
    .words_offset = offsetof(struct origin, words),
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char **argv)
{
    static struct origin origin = {.lock = PTHREAD_MUTEX_INITIALIZER};
    opt_parse(&spec, argc, argv, &origin);
    if (pages_load(&origin.pages, origin.pages_file, origin.seed) != 0)
        die(origin.pages_file);
    if (origin.bodies_dir != NULL && pages_write(&origin.pages, origin.bodies_dir) != 0)
        die(origin.bodies_dir);
    web_block_signals();
    web_serve(listen_on(&origin));
}
