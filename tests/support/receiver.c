/* SPDX-License-Identifier: MIT */
/* A web server for the tests, on loopback: what a handler of the kind http posts to. It
 * checks the signature as any receiver should (worker/signer.h), on the bytes that came
 * and before anything else. Each connection and each request is a line of its output:
 *
 *     open 3
 *     post 3 /ok Leat-Id=7 Leat-Type=mail … body={"id":"7",…}
 *     gone 3
 *
 * Paths say what is answered (see `routes`); nothing is decoded but their arguments. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/opt.h"
#include "web.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 1024 * 1024,
    HUGE_BYTES = 10 * 1024 * 1024,
    SIGNATURE_AGE_MAX_S = 300,
    DIGEST_BYTES = 32,
};

struct receiver {
    int64_t port; /* the options */
    const char *secret;
    const char *cert, *key; /* files */
    int quiet;
    struct opt_list words;
    atomic_int connections; /* so far */
};

struct request {
    struct receiver *receiver;
    struct MHD_Connection *connection;
    int number; /* of its connection */
    int begun;
    struct buf body;
};

/* ---- the signature ----------------------------------------------------------------- */

/* HMAC-SHA256 of `<t>.<body>`, in hexadecimal digits. */
static void sign(const char *secret, long long at_s, const struct buf *body,
                 char out[2 * DIGEST_BYTES + 1])
{
    unsigned char digest[DIGEST_BYTES];
    struct buf signed_text = {0};
    buf_addf(&signed_text, "%lld.", at_s);
    buf_add(&signed_text, body->data, body->len);
    HMAC(EVP_sha256(), secret, (int)strlen(secret),
         (const unsigned char *)signed_text.data, signed_text.len, digest, NULL);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    buf_fini(&signed_text);
}

/* Is it ours, and not an old one sent again? */
static int is_genuine(const struct request *request)
{
    char v1[2 * DIGEST_BYTES + 1], expected[2 * DIGEST_BYTES + 1];
    long long at_s;
    const char *text = web_header(request->connection, "Leat-Signature");
    if (text == NULL || sscanf(text, "t=%lld,v1=%64[0-9a-f]", &at_s, v1) != 2 ||
        strlen(v1) != sizeof v1 - 1)
        return 0;
    if (llabs(clock_wall_ms() / 1000 - at_s) > SIGNATURE_AGE_MAX_S)
        return 0;
    sign(request->receiver->secret, at_s, &request->body, expected);
    return CRYPTO_memcmp(v1, expected, sizeof v1) == 0;
}

/* ---- answers ----------------------------------------------------------------------- */

/* ?status=N&body=TEXT&type=TYPE&retry_after=S */
static enum MHD_Result serve_answer(struct request *request)
{
    static const struct {
        const char *argument, *header;
    } rows[] = {{"type", "Content-Type"}, {"retry_after", "Retry-After"}};
    const char *status = web_argument(request->connection, "status"),
               *body = web_argument(request->connection, "body");
    struct MHD_Response *response = web_text(body != NULL ? body : "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (web_argument(request->connection, rows[i].argument) != NULL)
            MHD_add_response_header(response, rows[i].header,
                                    web_argument(request->connection, rows[i].argument));
    return web_answer(request->connection, status != NULL ? (unsigned)atoi(status) : 200,
                      response);
}

static ssize_t cut_block(void *cls, uint64_t position, char *block, size_t size)
{
    (void)cls;
    if (position > 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memset(block, '{', size < 10 ? size : 10);
    return size < 10 ? (ssize_t)size : 10;
}

/* Ten bytes of a hundred, then the connection ends. */
static enum MHD_Result serve_cut(struct request *request)
{
    return web_answer(request->connection, 200,
                      MHD_create_response_from_callback(100, 64, cut_block, NULL, NULL));
}

static ssize_t huge_block(void *cls, uint64_t position, char *block, size_t size)
{
    (void)cls;
    if (position >= HUGE_BYTES)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memset(block, 'x', size);
    return (ssize_t)size;
}

/* 10 MiB, unannounced. */
static enum MHD_Result serve_huge(struct request *request)
{
    return web_answer(request->connection, 200,
                      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536,
                                                        huge_block, NULL, NULL));
}

/* Wait ?ms=N, or until the other side hangs up. */
static enum MHD_Result serve_slow(struct request *request)
{
    const char *ms = web_argument(request->connection, "ms");
    web_linger(request->connection, ms != NULL ? atoi(ms) : -1);
    return web_answer(request->connection, 204, web_text(""));
}

static const struct route {
    const char *path;
    enum MHD_Result (*serve)(struct request *request);
} routes[] = {
    {"/answer", serve_answer},
    {"/cut", serve_cut},
    {"/huge", serve_huge},
    {"/slow", serve_slow},
};

/* ---- requests ---------------------------------------------------------------------- */

static void print_request(const struct request *request, const char *path)
{
    static const char *const names[] = {
        "Content-Type", "Leat-Id",        "Leat-Type",   "Leat-Queue", "Leat-Attempt",
        "Leat-Token",   "Leat-Signature", "traceparent", "tracestate", "User-Agent"};
    struct buf line = {0};
    buf_addf(&line, "post %d %s", request->number, path);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (web_header(request->connection, names[i]) != NULL)
            buf_addf(&line, " %s=%s", names[i],
                     web_header(request->connection, names[i]));
    buf_addf(&line, " body=%s\n", buf_text(&request->body));
    fputs(buf_text(&line), stdout);
    fflush(stdout);
    buf_fini(&line);
}

static enum MHD_Result serve(struct request *request, const char *path)
{
    if (request->receiver->secret != NULL && !is_genuine(request))
        return web_answer(request->connection, 401, web_text("the signature is wrong\n"));
    if (!request->receiver->quiet)
        print_request(request, path);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(path, routes[i].path) == 0)
            return routes[i].serve(request);
    return web_answer(request->connection, 204, web_text(""));
}

/* Called for the head, for each piece of the body, and at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)version, (void)method;
    struct receiver *receiver = cls;
    struct request *request = *state;
    if (request == NULL) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        *state = request = xcalloc(1, sizeof *request);
        request->receiver = receiver;
        request->connection = connection;
        request->number = info != NULL ? (int)(intptr_t)info->socket_context : 0;
        return MHD_YES;
    }
    if (*upload_len == 0)
        return serve(request, path);
    if (request->body.len + *upload_len > BODY_BYTES_MAX)
        return MHD_NO;
    buf_add(&request->body, upload, *upload_len);
    *upload_len = 0;
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls, (void)connection, (void)code;
    struct request *request = *state;
    if (request == NULL)
        return;
    buf_fini(&request->body);
    free(request);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    struct receiver *receiver = cls;
    int is_new = code == MHD_CONNECTION_NOTIFY_STARTED;
    if (is_new)
        *context = (void *)(intptr_t)(atomic_fetch_add(&receiver->connections, 1) + 1);
    if (receiver->quiet)
        return;
    printf("%s %d\n", is_new ? "open" : "gone", (int)(intptr_t)*context);
    fflush(stdout);
}

/* ---- the program ------------------------------------------------------------------- */

/* A file's text, for as long as the program runs. */
static const char *text_of(const char *path)
{
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (size_t got; (got = fread(buf_reserve(&text, 4096), 1, 4096, file)) > 0;)
        text.len += got;
    fclose(file);
    return buf_text(&text);
}

/* A thread for each connection, so that a route may block; quiet: one for all. */
static struct MHD_Daemon *listen_on(struct receiver *receiver)
{
    struct sockaddr_in address = web_loopback(receiver->port);
    struct MHD_OptionItem tls[3] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags =
        receiver->quiet ? MHD_USE_EPOLL_INTERNAL_THREAD
                        : MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD;
    if (receiver->cert != NULL) {
        const char *cert = text_of(receiver->cert), *key = text_of(receiver->key);
        tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert};
        tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key};
        tls[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
        flags |= MHD_USE_TLS;
    }
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, receiver, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, receiver, MHD_OPTION_END);
}

static const struct opt options[] = {
    {"port", 0, OPT_INT, offsetof(struct receiver, port), "PORT", "0", 0, 65535,
     "listen on this port; 0 lets the system choose"},
    {"secret", 0, OPT_TEXT, offsetof(struct receiver, secret), "TEXT", NULL, 0, 0,
     "refuse what is not signed with it"},
    {"cert", 0, OPT_TEXT, offsetof(struct receiver, cert), "FILE", NULL, 0, 0,
     "speak TLS, with this certificate"},
    {"key", 0, OPT_TEXT, offsetof(struct receiver, key), "FILE", NULL, 0, 0,
     "the certificate's key"},
    {"quiet", 0, OPT_FLAG, offsetof(struct receiver, quiet), NULL, NULL, 0, 0,
     "be fast: one thread, and no lines about requests"},
};

static const struct opt_spec spec = {
    .usage = "",
    .about = "Receiver of jobs for tests; prints `listening PORT' when it is ready.",
    .rows = options,
    .row_count = sizeof options / sizeof *options,
    .words_offset = offsetof(struct receiver, words),
};

int main(int argc, char **argv)
{
    static struct receiver receiver;
    opt_parse(&spec, argc, argv, &receiver);
    web_block_signals();
    web_serve(listen_on(&receiver));
}
