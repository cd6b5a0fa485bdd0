/* SPDX-License-Identifier: MIT */
/* The HTTP door: bodies, whole and streamed, and who may send them. */
#include "http_client.h"

#define HOST          "Host: localhost\r\n"
#define POST_STREAM   "POST /stream HTTP/1.1\r\n" HOST
#define MANY          ((size_t)64 * 1024 * 1024)
#define SLOW          "\r\n\r\n{\"type\":"
#define SERVE_AS(...) serve_as((struct http_config){.listen = "127.0.0.1:0", __VA_ARGS__})

static int ask_for(struct client *client, const char *text)
{
    buf_reset(&client->reply);
    ask(client, text);
    return await_reply(client, 0);
}

static void turn(void)
{
    ev_run(loop, EVRUN_NOWAIT);
}

/* --- whole bodies
 * ------------------------------------------------------------------------ */

START_TEST(a_body_arrives_whole_however_it_is_sent)
{
    static const char *const requests[] = {
        "POST /body HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\na=1\r\nb=2",
        "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\na=1\r\n\r\n3\r\nb=2\r\n0\r\n\r\n",
    };
    set_up();
    for (unsigned i = 0; i < COUNT(requests) * 3; i++) {
        struct client client = dial();
        const char *request = requests[i % COUNT(requests)];
        if (i % 3 == 0)
            for (const char *c = request; *c != '\0'; c++)
                say(&client, c, 1);
        else
            ask(&client, request);
        ck_assert_int_eq(await_reply(&client, 0), 200);
        ck_assert_str_eq(reply_body(&client), "a=1\r\nb=2");
        hang_up(&client);
    }
    struct client client = dial();
    ck_assert_int_eq(ask_for(&client, "POST /body HTTP/1.1\r\n" HOST "\r\n"), 200);
    ck_assert_str_eq(reply_body(&client), "");
    hang_up(&client);
    tear_down();
}
END_TEST

/* How the library reads chunks (here: a bare LF ends a line) may not be how a proxy
 * does. */
START_TEST(what_stands_behind_chunks_is_no_request)
{
    set_up();
    struct client client = dial();
    ask(&client, "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                 "3;a\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(await_reply(&client, 0), 200);
    ck_assert_str_eq(reply_header(&client, "Connection"), "close");
    await_end(&client);
    ck_assert_uint_eq(count_of(buf_text(&client.reply), "HTTP/1.1 200"), 1);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_client_that_asks_first_is_told_to_continue_or_refused_before_it_sends)
{
    set_up();
    struct client client = dial(), large = dial();
    ask(&client, "POST /body HTTP/1.1\r\n" HOST
                 "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (strstr(buf_text(&client.reply), "\r\n\r\n") == NULL) {
        ck_assert(clock_mono_ms() < until);
        listen_in(&client);
    }
    ck_assert_str_eq(buf_text(&client.reply), "HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert_int_eq(ask_for(&client, "abc"), 200);
    ck_assert_str_eq(reply_body(&client), "abc");
    ck_assert_int_eq(ask_for(&large,
                             "POST /body HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                             "Content-Length: 21\r\n\r\n"),
                     413);
    await_end(&large);
    hang_up(&client);
    hang_up(&large);
    tear_down();
}
END_TEST

/* The client sends all before it reads: an answer behind which the socket was closed at
 * once would be lost to it. */
static int send_too_much(const char *framing)
{
    struct client client = dial();
    struct buf text = {0};
    buf_addf(&text, "POST /body HTTP/1.1\r\n" HOST "%s\r\n\r\n", framing);
    for (int i = 0; i < 30000; i++)
        buf_adds(&text, "10\r\n0123456789abcdef\r\n");
    say(&client, text.data, text.len);
    int status = await_reply(&client, 0);
    ck_assert_str_eq(reply_header(&client, "Connection"), "close");
    ck_assert_str_eq(reply_header(&client, "Content-Type"), "application/problem+json");
    ck_assert_ptr_nonnull(reply_header(&client, "Content-Security-Policy"));
    ck_assert_ptr_nonnull(reply_header(&client, "Date"));
    await_end(&client);
    hang_up(&client);
    buf_fini(&text);
    return status;
}

START_TEST(a_body_too_large_is_refused_and_its_client_hears_of_it)
{
    set_up();
    struct client client = dial();
    ck_assert_int_eq(send_too_much("Content-Length: 690000"), 413);
    ck_assert_int_eq(send_too_much("Transfer-Encoding: chunked"), 413);
    ck_assert_int_eq(ask_for(&client, "POST /body HTTP/1.1\r\n" HOST
                                      "Content-Length: 20\r\n\r\n01234567890123456789"),
                     200);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_refused_head_request_gets_no_body)
{
    set_up();
    struct client client = dial();
    ask(&client, "HEAD / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    await_end(&client);
    ck_assert_int_eq(status_of(&client), 413);
    ck_assert_str_eq(reply_body(&client), "");
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- streams
 * ----------------------------------------------------------------------------- */

/* Send up to `len` bytes of chunks, as long as the server takes them. */
static size_t pour(struct client *client, size_t len)
{
    static const char chunk[] = "10\r\n0123456789abcdef\r\n";
    size_t sent = 0;
    for (int idle = 0; sent < len && idle < 200; idle++) {
        const char *at = chunk + sent % 22;
        ssize_t got = send(client->fd, at, 22 - sent % 22, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got > 0) {
            sent += (size_t)got;
            idle = 0;
        } else {
            turn();
        }
    }
    return sent;
}

START_TEST(a_stream_is_read_no_faster_than_it_is_taken)
{
    set_up();
    struct client client = dial();
    stream.wanted = 1000;
    ask(&client, POST_STREAM "Transfer-Encoding: chunked\r\n\r\n");
    size_t sent = pour(&client, MANY);
    ck_assert_msg(sent < MANY, "all was read");
    ck_assert_uint_eq(stream.taken, 1000);
    ck_assert_int_eq(stream.ends, 0);
    for (int i = 0; i < 10; i++) {
        stream.wanted += 50000;
        http_read_on(stream.request);
        for (int turns = 0; turns < 50; turns++)
            turn();
        ck_assert_uint_eq(stream.taken, stream.wanted);
    }
    stream.wanted = SIZE_MAX;
    http_read_on(stream.request);
    static const char chunk[] = "10\r\n0123456789abcdef\r\n";
    size_t cut = sent % 22;
    say(&client, chunk + cut, cut == 0 ? 0 : 22 - cut);
    ck_assert_int_eq(ask_for(&client, "0\r\n\r\n"), 200);
    ck_assert_str_eq(reply_body(&client), "streamed");
    ck_assert_uint_eq(stream.taken, (sent + 21) / 22 * 16);
    ck_assert(stream.ends == 1 && stream.is_whole);
    await_end(&client);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_stream_may_be_empty)
{
    set_up();
    struct client client = dial();
    ck_assert_int_eq(ask_for(&client, POST_STREAM "\r\n"), 200);
    ck_assert_int_eq(ask_for(&client, POST_STREAM "Content-Length: 0\r\n\r\n"), 200);
    ck_assert_int_eq(ask_for(&client, POST_STREAM "Transfer-Encoding: chunked\r\n\r\n"
                                                  "0\r\n\r\n"),
                     200);
    ck_assert(stream.ends == 3 && stream.taken == 0);
    hang_up(&client);
    tear_down();
}
END_TEST

/* `is_held`: the server has stopped reading when the answer is given. */
static void answer_amid_stream(int is_held)
{
    struct client client = dial();
    stream = (struct stream){.wanted = is_held ? 10 : SIZE_MAX};
    ask(&client, POST_STREAM "Content-Length: 1000\r\n\r\n0123456789abcdef");
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (stream.taken < 10 || stream.taken < 16 - 6 * (size_t)is_held) {
        ck_assert(clock_mono_ms() < until);
        turn();
    }
    size_t taken = stream.taken;
    http_problem(stream.request, 503, "Redis is away", "10 lines were pushed");
    ck_assert_int_eq(await_reply(&client, 0), 503);
    ck_assert(strstr(reply_body(&client), "10 lines") != NULL);
    for (int i = 0; i < 100; i++)
        ask(&client, "GET / HTTP/1.1\r\n" HOST "\r\n");
    await_end(&client);
    ck_assert_uint_eq(count_of(buf_text(&client.reply), "HTTP/1.1 "), 1);
    ck_assert_uint_eq(stream.taken, taken);
    ck_assert_int_eq(stream.ends, 0);
    hang_up(&client);
}

START_TEST(a_stream_answered_amid_its_body_is_over)
{
    set_up();
    answer_amid_stream(0);
    answer_amid_stream(1);
    tear_down();
}
END_TEST

static void await_stream_end(void)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (stream.ends == 0) {
        ck_assert(clock_mono_ms() < until);
        turn();
    }
}

START_TEST(a_stream_whose_client_goes_away_is_told_and_answered_into_nowhere)
{
    set_up();
    for (int is_held = 0; is_held < 2; is_held++) {
        struct client client = dial();
        stream = (struct stream){.wanted = is_held ? 10 : SIZE_MAX};
        ask(&client, POST_STREAM "Content-Length: 1000\r\n\r\n0123456789abcdef");
        while (stream.taken < 10)
            turn();
        hang_up(&client);
        stream.wanted = SIZE_MAX;
        http_read_on(stream.request);
        await_stream_end();
        ck_assert_int_eq(stream.is_whole, 0);
        http_answer(stream.request, 200, "text/plain", bytes_of("to nobody"));
    }
    tear_down();
}
END_TEST

START_TEST(closing_ends_streams)
{
    set_up();
    struct client client = dial();
    stream.wanted = 10;
    ask(&client, POST_STREAM "Content-Length: 1000\r\n\r\n0123456789abcdef");
    while (stream.taken < 10)
        turn();
    http_close(server);
    server = NULL;
    ck_assert(stream.ends == 1 && !stream.is_whole);
    http_problem(stream.request, 500, "late", NULL);
    ck_assert_int_eq(await_reply(&client, 0), 503);
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- slow clients
 * ------------------------------------------------------------------------ */

/* Sends a byte every 50 ms: 20 take a second, and the sweep comes within half of one.
 * Returns the status it was cut off with. */
static int trickle(const char *head)
{
    struct client slow = dial();
    int64_t start = clock_mono_ms(), told = start;
    ask(&slow, head);
    while (!slow.is_closed) {
        ck_assert(clock_mono_ms() - start < PATIENCE_MS);
        if (clock_mono_ms() - told >= 50) {
            told = clock_mono_ms();
            ask(&slow, "a");
        }
        listen_in(&slow);
    }
    ck_assert_int_ge((int)(clock_mono_ms() - start), 300);
    int status = status_of(&slow);
    hang_up(&slow);
    return status;
}

START_TEST(a_client_that_trickles_its_body_is_cut_off)
{
    set_up();
    http_close(server);
    SERVE_AS(.body_deadline_ms = 300);
    ck_assert_int_eq(trickle("POST /body HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n"),
                     408);
    stream.wanted = SIZE_MAX;
    ck_assert_int_eq(trickle(POST_STREAM "Content-Length: 99999\r\n\r\n"), 408);
    await_stream_end();
    ck_assert(stream.ends == 1 && !stream.is_whole);
    http_problem(stream.request, 500, "late", NULL);
    tear_down();
}
END_TEST

START_TEST(a_stream_that_flows_or_that_we_hold_up_is_not_cut_off)
{
    set_up();
    http_close(server);
    SERVE_AS(.body_deadline_ms = 1000);
    struct client client = dial();
    stream.wanted = 100;
    ask(&client, POST_STREAM "Content-Length: 9999\r\n\r\n");
    char piece[1000];
    memset(piece, 'a', sizeof piece);
    say(&client, piece, sizeof piece);
    int64_t start = clock_mono_ms();
    while (clock_mono_ms() - start < 2500)
        listen_in(&client);
    ck_assert_uint_eq(stream.taken, 100);
    stream.wanted = SIZE_MAX;
    http_read_on(stream.request);
    for (int i = 0; i < 9; i++) {
        start = clock_mono_ms();
        while (clock_mono_ms() - start < 250)
            listen_in(&client);
        say(&client, piece, i < 8 ? sizeof piece : sizeof piece - 1);
    }
    ck_assert_int_eq(await_reply(&client, 0), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- who may
 * ----------------------------------------------------------------------------- */

START_TEST(every_write_is_judged_before_its_handler_and_its_body)
{
    static const struct {
        int status;
        const char *text;
    } asked[] = {
        {401, "POST /write HTTP/1.1\r\n" HOST "\r\n"},
        {401, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"},
        {401, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 99\r\n\r\nabc"},
        {401, POST_STREAM "Content-Length: 3\r\n\r\nabc"},
        {401, POST_STREAM "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"},
        {403, POST_STREAM "Origin: http://evil.example\r\nContent-Length: 3\r\n\r\nabc"},
        {200, POST_STREAM "Authorization: Bearer 0123456789abcdef\r\n"
                          "Content-Length: 3\r\n\r\nabc"},
        {200, "GET / HTTP/1.1\r\n" HOST "\r\n"},
        {200, "GET / HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n"},
    };
    set_up();
    http_close(server);
    SERVE_AS(.token = "0123456789abcdef");
    stream.wanted = SIZE_MAX;
    for (unsigned i = 0; i < COUNT(asked); i++) {
        struct client client = dial();
        ck_assert_msg(ask_for(&client, asked[i].text) == asked[i].status, "%u: %s", i,
                      buf_text(&client.reply));
        if (asked[i].status == 401)
            ck_assert_str_eq(reply_header(&client, "WWW-Authenticate"), "Bearer");
        hang_up(&client);
    }
    ck_assert_int_eq(stream.ends, 1);
    tear_down();
}
END_TEST

START_TEST(a_name_that_is_allowed_is_served)
{
    static const char *const names[] = {"jobs.example.org"};
    set_up();
    http_close(server);
    SERVE_AS(.allow_hosts = names, .allow_host_count = 1);
    struct client client = dial();
    ck_assert_int_eq(ask_for(&client,
                             "POST /write HTTP/1.1\r\nHost: jobs.example.org:8443\r\n"
                             "Origin: https://jobs.example.org:8443\r\n\r\n"),
                     200);
    ck_assert_int_eq(ask_for(&client, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
                     421);
    hang_up(&client);
    tear_down();
}
END_TEST

SUITE("http_body", a_body_arrives_whole_however_it_is_sent,
      what_stands_behind_chunks_is_no_request,
      a_client_that_asks_first_is_told_to_continue_or_refused_before_it_sends,
      a_body_too_large_is_refused_and_its_client_hears_of_it,
      a_refused_head_request_gets_no_body, a_stream_is_read_no_faster_than_it_is_taken,
      a_stream_may_be_empty, a_stream_answered_amid_its_body_is_over,
      a_stream_whose_client_goes_away_is_told_and_answered_into_nowhere,
      closing_ends_streams, a_client_that_trickles_its_body_is_cut_off,
      a_stream_that_flows_or_that_we_hold_up_is_not_cut_off,
      every_write_is_judged_before_its_handler_and_its_body,
      a_name_that_is_allowed_is_served)
