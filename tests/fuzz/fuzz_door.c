/* SPDX-License-Identifier: MIT */
/* Whole connections through the HTTP door, in pieces of any length. Its answers are well
 * formed one behind the other; and each request that a handler saw is the one that a
 * strict reader finds at that place, with the same method and body, and was allowed to
 * write. Behind chunks, which the library reads loosely, no request is taken. The first
 * byte of the input is the pieces' length. */
#include "base/buf.h"
#include "dashboard/http.h"
#include "fuzz.h"
#include "strict_http.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef"

enum { INPUT_MAX = 2048, SERVED_MAX = 128, BODY_MAX = 20 };

static struct ev_loop *loop;
static struct http_server *server;

/* ---- what the handlers saw --------------------------------------------------------- */

static struct served {
    const char *method; /* of the route */
    struct buf body;
} served[SERVED_MAX];
static int served_count;

static struct served *serve(const char *method)
{
    MUST(served_count < SERVED_MAX);
    served[served_count] = (struct served){.method = method};
    return &served[served_count++];
}

static void get(struct http_request *request, void *arg)
{
    (void)arg;
    struct buf text = {0};
    const char *q = http_query(request, "q");
    serve("GET");
    buf_addf(&text, "%s %s", http_rest(request), q != NULL ? q : "");
    http_add_header(request, "X-Rest", buf_text(&text));
    http_answer(request, 200, "text/plain", buf_bytes(&text));
    buf_fini(&text);
}

static void post(struct http_request *request, void *arg)
{
    (void)arg;
    struct bytes body = http_body(request);
    MUST(body.len <= BODY_MAX);
    buf_add(&serve("POST")->body, body.at, body.len);
    http_answer(request, 200, "text/plain", body);
}

struct stream {
    struct http_request *request;
    struct served *served;
};

static size_t on_piece(void *arg, struct bytes piece)
{
    struct stream *stream = arg;
    buf_add(&stream->served->body, piece.at, piece.len);
    return piece.len;
}

static void on_end(void *arg, int is_whole)
{
    struct stream *stream = arg;
    if (!is_whole)
        stream->served->method = NULL; /* nobody waits for an answer */
    http_answer(stream->request, 200, "text/plain", bytes_of("streamed"));
    free(stream);
}

static void put(struct http_request *request, void *arg)
{
    static const struct http_reader reader = {on_piece, on_end};
    (void)arg;
    struct stream *stream = xmalloc(sizeof *stream);
    *stream = (struct stream){request, serve("PUT")};
    http_read(request, &reader, stream);
}

/* ---- the connection ---------------------------------------------------------------- */

static void start(void)
{
    static const struct http_route routes[] = {
        {"GET", "/", get},
        {"GET", "/a/*", get},
        {"POST", "/b", post, .body_max_bytes = BODY_MAX},
        {"PUT", "/b", put, .is_streamed = 1},
    };
    static char address[64];
    struct err err = {0};
    snprintf(address, sizeof address, "unix:/tmp/leat-fuzz-%d.sock", (int)getpid());
    struct http_config config = {
        .listen = address, .routes = routes, .route_count = 4, .token = TOKEN};
    loop = ev_loop_new(EVFLAG_AUTO);
    server = http_listen(loop, &config, &err);
    MUST(server != NULL);
}

static int dial(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(to.sun_path, http_address(server) + strlen("unix:"));
    MUST(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Returns 0 at the end of the connection. */
static int hear(int fd, struct buf *answers)
{
    char *to = buf_reserve(answers, 65536);
    ssize_t got = recv(fd, to, 65536, MSG_DONTWAIT);
    if (got > 0)
        answers->len += (size_t)got;
    return got > 0 || (got < 0 && errno == EAGAIN);
}

static int say(int fd, struct bytes piece, struct buf *answers)
{
    if (send(fd, piece.at, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)piece.len)
        return 0;
    ev_run(loop, EVRUN_NOWAIT);
    return hear(fd, answers);
}

/* The client ends its side, and the door then ends the connection. */
static void hang_up(int fd, struct buf *answers)
{
    shutdown(fd, SHUT_WR);
    for (int turns = 0; hear(fd, answers); turns++) {
        MUST(turns < 100000);
        ev_run(loop, EVRUN_NOWAIT);
    }
    close(fd);
    ev_run(loop, EVRUN_NOWAIT);
}

static struct buf talk(struct bytes input, size_t piece_len)
{
    struct buf answers = {0};
    int fd = dial();
    while (input.len > 0) {
        struct bytes piece = {input.at, input.len < piece_len ? input.len : piece_len};
        if (!say(fd, piece, &answers))
            break;
        input = (struct bytes){input.at + piece.len, input.len - piece.len};
    }
    hang_up(fd, &answers);
    return answers;
}

/* ---- what came of it --------------------------------------------------------------- */

/* The library's own page for what looks like no HTTP, which ends the connection: 0.9 says
 * some of its headers twice. */
static int skip_page(struct bytes *rest, int status)
{
    MUST(status >= 400 || status / 100 == 1);
    if (status >= 400)
        *rest = (struct bytes){rest->at + rest->len, 0};
    return status;
}

/* Does an answer to it come without its body? Of what is no request nobody can tell; it
 * ends the connection, so there either is a body or there is nothing. */
static int is_bodiless(const struct strict_request *request, struct bytes rest)
{
    return bytes_is(request->method, "HEAD") || (request->is_unread && rest.len == 0);
}

/* Take the next answer off `rest`; its status, or 0 when there is none. */
static int next_answer(struct bytes *rest, const struct strict_request *request)
{
    struct bytes line, name;
    size_t length = 0;
    int lengths = 0, is_ours = 0;
    if (rest->len == 0)
        return 0;
    MUST(strict_cut(rest, "\r\n", &line) == 0);
    MUST(line.len > 12 && memcmp(line.at, "HTTP/1.", 7) == 0);
    int status = atoi(line.at + 9);
    for (;;) {
        MUST(strict_cut(rest, "\r\n", &line) == 0);
        if (line.len == 0)
            break;
        MUST(strict_is_text(line) && strict_cut(&line, ":", &name) == 0);
        if (strict_named(name, "Content-Length"))
            lengths += strict_number(strict_trim(line), 10, &length) == 0;
        is_ours |= strict_named(name, "Content-Security-Policy");
    }
    if (!is_ours)
        return skip_page(rest, status);
    MUST(lengths == 1);
    length = is_bodiless(request, *rest) ? 0 : length;
    MUST(length <= rest->len);
    *rest = (struct bytes){rest->at + length, rest->len - length};
    return status;
}

/* A request that a handler answered, against what stands in the input there. */
static void check_served(const struct served *seen, const struct strict_request *request)
{
    int is_head = bytes_is(request->method, "HEAD");
    MUST(seen->method != NULL &&
         bytes_is(request->method, is_head ? "HEAD" : seen->method));
    MUST(strcmp(seen->method, "GET") == 0 ||
         bytes_equal(buf_bytes(&seen->body), buf_bytes(&request->body)));
}

static int final_answer(struct bytes *answers, const struct strict_request *request)
{
    int status;
    do
        status = next_answer(answers, request);
    while (status / 100 == 1);
    return status;
}

static void check(struct bytes input, struct bytes answers)
{
    enum strict_end end = STRICT_WHOLE;
    int status, seen = 0;
    do {
        struct strict_request request = {.length = 0};
        strict_skip(&input);
        if (end == STRICT_WHOLE)
            end = strict_next(&request, &input);
        request.is_unread = end == STRICT_NONE;
        status = final_answer(&answers, &request);
        if (status == 200) {
            MUST(end != STRICT_NONE && seen < served_count);
            if (end == STRICT_WHOLE)
                check_served(&served[seen], &request);
            seen++;
        }
        MUST(end == STRICT_NONE || request.codings == 0 || answers.len == 0);
        buf_fini(&request.body);
    } while (status != 0);
    MUST(answers.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (server == NULL)
        start();
    struct bytes input = input_of(data + 1, size - 1);
    struct buf answers = talk(input, data[0] == 0 ? INPUT_MAX : data[0]);
    if (memchr(input.at, '\0', input.len) == NULL) /* what NULs hide see framing.h */
        check(input, buf_bytes(&answers));
    for (int i = 0; i < served_count; i++) {
        if (served[i].method != NULL && strcmp(served[i].method, "GET") != 0)
            MUST(memmem(input.at, input.len, TOKEN, strlen(TOKEN)) != NULL);
        buf_fini(&served[i].body);
    }
    served_count = 0;
    buf_fini(&answers);
    return 0;
}
