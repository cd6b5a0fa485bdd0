/* SPDX-License-Identifier: MIT */
/* The HTTP door: what it answers, now and later, and where it listens. */
#include "http_client.h"

#include <arpa/inet.h>

/* --- answers
 * ----------------------------------------------------------------------------- */

START_TEST(a_route_answers_with_all_standard_headers)
{
    set_up();
    static const char *const names[] = {
        "Content-Security-Policy",    "X-Content-Type-Options",       "Referrer-Policy",
        "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cache-Control",
    };
    static const char *const targets[] = {"/", "/broken", "/none"};
    struct client client = dial();
    for (unsigned t = 0; t < COUNT(targets); t++) {
        get(&client, targets[t]);
        for (unsigned i = 0; i < COUNT(names); i++)
            ck_assert_msg(reply_header(&client, names[i]) != NULL, "%s", names[i]);
    }
    ck_assert_int_eq(get(&client, "/"), 200);
    ck_assert_str_eq(reply_header(&client, "Cache-Control"), "no-store");
    ck_assert_str_eq(reply_header(&client, "Content-Type"), "text/plain");
    ck_assert_str_eq(reply_body(&client), "hello");
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_handler_sees_rest_query_and_header_decoded_once)
{
    set_up();
    struct client client = dial();
    ask(&client, "GET /echo/a%2Fb%2541?x=1&q=%26+c HTTP/1.1\r\nHost: localhost\r\n"
                 "X-Test: yes\r\n\r\n");
    ck_assert_int_eq(await_reply(&client, 0), 200);
    ck_assert_str_eq(reply_body(&client), "rest=a/b%41 q=& c header=yes");
    ck_assert_int_eq(get(&client, "/echo/?q"), 200);
    ck_assert_str_eq(reply_body(&client), "rest= q= header=none");
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_handler_replaces_a_standard_header_but_cannot_break_one)
{
    set_up();
    struct client client = dial();
    get(&client, "/echo/x");
    ck_assert_str_eq(reply_header(&client, "Cache-Control"), "max-age=60");
    ck_assert_uint_eq(count_of(buf_text(&client.reply), "Cache-Control"), 1);
    ck_assert(reply_header(&client, "X-Injected") == NULL);
    ck_assert(reply_header(&client, "X-Control") == NULL);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_problem_is_json)
{
    set_up();
    struct client client = dial();
    ck_assert_int_eq(get(&client, "/broken"), 503);
    ck_assert_str_eq(reply_header(&client, "Content-Type"), "application/problem+json");
    ck_assert_str_eq(
        reply_body(&client),
        "{\"type\":\"about:blank\",\"status\":503,\"title\":\"Redis is away\","
        "\"detail\":\"say \\\"when\\\"\\n\"}\n");
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(head_works_on_every_get_route)
{
    set_up();
    static const char *const targets[] = {"/", "/echo/x", "/broken", "/at-once"};
    struct client client = dial();
    for (unsigned i = 0; i < COUNT(targets); i++) {
        char request[128];
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 targets[i]);
        int status = get(&client, targets[i]);
        char length[32];
        snprintf(length, sizeof length, "%.9s", reply_header(&client, "Content-Length"));
        buf_reset(&client.reply);
        ask(&client, request);
        ck_assert_int_eq(await_reply(&client, 1), status);
        ck_assert_str_eq(reply_header(&client, "Content-Length"), length);
        ck_assert_str_eq(reply_body(&client), "");
    }
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(unknown_path_is_404_and_other_method_405_and_both_keep_the_connection)
{
    set_up();
    struct client client = dial();
    ck_assert_int_eq(get(&client, "/none"), 404);
    ck_assert_str_eq(reply_header(&client, "Content-Type"), "application/problem+json");
    buf_reset(&client.reply);
    ask(&client, "POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    ck_assert_int_eq(await_reply(&client, 0), 405);
    ck_assert_str_eq(reply_header(&client, "Content-Type"), "application/problem+json");
    ck_assert_str_eq(reply_header(&client, "Allow"), "GET, HEAD");
    ck_assert_int_eq(get(&client, "/"), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_connection_serves_a_thousand_requests)
{
    set_up();
    struct client client = dial();
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(get(&client, i % 2 ? "/at-once" : "/"), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    set_up();
    struct client client = dial();
    struct buf requests = {0};
    for (int i = 0; i < 20; i++)
        buf_addf(&requests, "GET /echo/n%d HTTP/1.1\r\nHost: localhost\r\n\r\n", i);
    say(&client, requests.data, requests.len);
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (count_of(buf_text(&client.reply), "rest=n") < 20) {
        ck_assert(clock_mono_ms() < until);
        listen_in(&client);
    }
    const char *at = buf_text(&client.reply);
    for (int i = 0; i < 20; i++) {
        char part[32];
        snprintf(part, sizeof part, "rest=n%d q", i);
        at = strstr(at, part);
        ck_assert_msg(at != NULL, "%s", part);
    }
    buf_fini(&requests);
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- later
 * ------------------------------------------------------------------------------- */

START_TEST(a_deferred_request_is_answered_later_and_keeps_the_connection)
{
    set_up();
    struct client client = dial();
    for (unsigned i = 1; i <= 3; i++) {
        buf_reset(&client.reply);
        ask(&client, "GET /later HTTP/1.1\r\nHost: localhost\r\nX-Test: t\r\n\r\n");
        await_kept(i);
        listen_in(&client);
        ck_assert_uint_eq(client.reply.len, 0);
        ck_assert_str_eq(http_header(kept[i - 1], "X-Test"), "t");
        http_answer(kept[i - 1], 200, "text/plain", bytes_of("late"));
        /* A few turns must do: it shall not wait for some timer to wake the server. */
        for (int turn = 0; turn < 20; turn++)
            listen_in(&client);
        ck_assert_int_eq(status_of(&client), 200);
        ck_assert_str_eq(reply_body(&client), "late");
    }
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(a_deferred_request_may_be_answered_when_its_client_is_gone)
{
    set_up();
    struct client gone = dial(), reset = dial(), other = dial();
    ask(&gone, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await_kept(1);
    ask(&reset, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await_kept(2);
    hang_up(&gone);
    struct linger abort_now = {.l_onoff = 1};
    setsockopt(reset.fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
    hang_up(&reset);
    ck_assert_int_eq(get(&other, "/"), 200);
    for (unsigned i = 0; i < 2; i++)
        http_answer(kept[i], 200, "text/plain", bytes_of("to nobody"));
    ck_assert_int_eq(get(&other, "/"), 200);
    hang_up(&other);
    tear_down();
}
END_TEST

START_TEST(closing_answers_deferred_requests_and_their_handlers_may_still_answer)
{
    set_up();
    struct client first = dial(), second = dial();
    ask(&first, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await_kept(1);
    ask(&second, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await_kept(2);
    http_close(server);
    server = NULL;
    ck_assert_int_eq(await_reply(&first, 0), 503);
    ck_assert_int_eq(await_reply(&second, 0), 503);
    await_end(&first);
    ck_assert_ptr_null(http_header(kept[0], "Host"));
    ck_assert_ptr_null(http_rest(kept[0]));
    http_add_header(kept[0], "X-Late", "yes");
    http_answer(kept[0], 200, "text/plain", bytes_of("late"));
    http_problem(kept[1], 500, "late", NULL);
    hang_up(&first);
    hang_up(&second);
    tear_down();
}
END_TEST

START_TEST(closing_serves_no_request_that_arrives_meanwhile)
{
    set_up();
    struct client client = dial();
    get(&client, "/");
    static const char request[] = "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
    ck_assert_int_eq(send(client.fd, request, strlen(request), 0), (int)strlen(request));
    http_close(server);
    server = NULL;
    ck_assert_uint_eq(kept_count, 0);
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- listening
 * --------------------------------------------------------------------------- */

START_TEST(the_address_tells_port_and_loopback)
{
    set_up();
    ck_assert(http_is_loopback(server));
    ck_assert_int_gt(bound_port(), 0);
    restart("localhost:0", 0, 0);
    ck_assert(strncmp(http_address(server), "127.0.0.1:", 10) == 0);
    ck_assert(http_is_loopback(server));
    restart("0.0.0.0:0", 0, 0);
    ck_assert(!http_is_loopback(server));
    struct client client = dial();
    ask(&client, "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n");
    ck_assert_int_eq(await_reply(&client, 0), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(ipv6_is_served_where_the_machine_has_it)
{
    set_up();
    struct http_config config = {.listen = "[::1]:0",
                                 .routes = routes,
                                 .route_count = 1,
                                 .arg = (void *)(uintptr_t) "six"};
    struct err err = {0};
    struct http_server *six = http_listen(loop, &config, &err);
    if (six == NULL) {
        ck_assert_int_eq(err.code, LEAT_ECONFIG);
        return;
    }
    ck_assert(strncmp(http_address(six), "[::1]:", 6) == 0);
    ck_assert(http_is_loopback(six));
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons((in_port_t)atoi(http_address(six) + 6)),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct client client = {.fd = socket(AF_INET6, SOCK_STREAM, 0)};
    ck_assert_int_eq(connect(client.fd, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(get(&client, "/"), 200);
    hang_up(&client);
    http_close(six);
    tear_down();
}
END_TEST

START_TEST(a_unix_socket_is_private_counts_as_loopback_and_has_no_limit_per_address)
{
    set_up();
    char folder[] = "/tmp/test_http.XXXXXX", path[64], address[80];
    static struct client clients[150];
    struct stat status;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    mode_t mask = umask(0);
    restart(address, 0, 0);
    umask(mask);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_str_eq(http_address(server), address);
    ck_assert(http_is_loopback(server));
    for (unsigned i = 0; i < 150; i++) {
        clients[i] = (struct client){.fd = dial_unix(path)};
        ck_assert_int_eq(get(&clients[i], "/"), 200);
    }
    for (unsigned i = 0; i < 150; i++)
        hang_up(&clients[i]);
    http_close(server);
    server = NULL;
    ck_assert_int_ne(stat(path, &status), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    tear_down();
}
END_TEST

SUITE("http", a_route_answers_with_all_standard_headers,
      a_handler_sees_rest_query_and_header_decoded_once,
      a_handler_replaces_a_standard_header_but_cannot_break_one, a_problem_is_json,
      head_works_on_every_get_route,
      unknown_path_is_404_and_other_method_405_and_both_keep_the_connection,
      a_connection_serves_a_thousand_requests, pipelined_requests_are_answered_in_order,
      a_deferred_request_is_answered_later_and_keeps_the_connection,
      a_deferred_request_may_be_answered_when_its_client_is_gone,
      closing_answers_deferred_requests_and_their_handlers_may_still_answer,
      closing_serves_no_request_that_arrives_meanwhile,
      the_address_tells_port_and_loopback, ipv6_is_served_where_the_machine_has_it,
      a_unix_socket_is_private_counts_as_loopback_and_has_no_limit_per_address)
