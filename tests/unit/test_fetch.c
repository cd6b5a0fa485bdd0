/* SPDX-License-Identifier: MIT */
/* What is asked for and what comes back; test_fetch_faults.c has what goes wrong. */
#include "fetch_client.h"

/* ---- answers ---- */

START_TEST(an_answer_comes_with_status_body_and_validators)
{
    struct outcome outcome = get(url_of("/hello"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.body, "hello");
    ck_assert_str_eq(outcome.etag, "\"v1\"");
    ck_assert_str_eq(outcome.last_modified, "Sat, 01 Nov 2025 10:00:00 GMT");
    ck_assert_str_eq(outcome.content_type, "text/plain");
    ck_assert_int_eq(outcome.retry_after_ms, -1);
}
END_TEST

START_TEST(a_status_of_the_peer_is_an_answer)
{
    struct outcome outcome = get(url_of("/missing"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 404);
    ck_assert_str_eq(outcome.body, "no such page");
    ck_assert_str_eq(outcome.etag, "(none)");
}
END_TEST

START_TEST(a_matching_etag_is_answered_304_without_body)
{
    struct fetch_request request = request_of(url_of("/hello"));
    request.etag = "\"v1\"";
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 304);
    ck_assert_uint_eq(outcome.body_len, 0);
    ck_assert_str_eq(outcome.etag, "\"v1\"");
}
END_TEST

START_TEST(the_request_carries_our_headers_and_the_callers)
{
    const char *headers[] = {"X-Song: 1", "Accept: application/rss+xml"};
    struct fetch_request request = request_of(url_of("/echo"));
    request.headers = headers;
    request.header_count = COUNT(headers);
    request.etag = "W/\"2\"";
    request.last_modified = "Sat, 01 Nov 2025 10:00:00 GMT";
    struct outcome outcome = run(&request);
    assert_text(outcome.body, "\r\nUser-Agent: leat/0.1\r\n");
    assert_text(outcome.body, "\r\nX-Song: 1\r\n");
    assert_text(outcome.body, "\r\nAccept: application/rss+xml\r\n");
    assert_text(outcome.body, "\r\nIf-None-Match: W/\"2\"\r\n");
    assert_text(outcome.body, "\r\nIf-Modified-Since: Sat, 01 Nov 2025 10:00:00 GMT\r\n");
    ck_assert_ptr_null(strstr(outcome.body, "Accept-Encoding"));
}
END_TEST

START_TEST(a_stored_validator_cannot_add_a_header)
{
    struct fetch_request request = request_of(url_of("/echo"));
    request.etag = "\"v1\"\r\nX-Forged: 1";
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_ptr_null(strstr(outcome.body, "Forged"));
    ck_assert_ptr_null(strstr(outcome.body, "If-None-Match"));
}
END_TEST

START_TEST(a_proxy_in_the_environment_is_ignored)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
}
END_TEST

START_TEST(headers_that_are_too_long_are_ignored_and_the_longest_allowed_is_kept)
{
    struct outcome outcome = get(url_of("/long-headers"));
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.etag, "(none)");
    ck_assert_uint_eq(strlen(outcome.content_type), FETCH_HEADER_VALUE_BYTES_MAX);
}
END_TEST

START_TEST(headers_of_an_interim_answer_do_not_count)
{
    struct outcome outcome = get(url_of("/early-hints"));
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_str_eq(outcome.body, "final");
    ck_assert_str_eq(outcome.etag, "(none)");
    ck_assert_str_eq(outcome.last_modified, "today");
}
END_TEST

START_TEST(retry_after_is_read_as_seconds_and_as_date)
{
    static const struct {
        const char *path;
        int64_t min_ms, max_ms;
    } rows[] = {
        {"/later?120", 120000, 120000},
        {"/later?0", 0, 0},
        {"/later?-1", -1, -1},
        {"/later?soon", -1, -1},
        {"/later?", -1, -1},
        {"/busy?3600", 3590000, 3600000},
        {"/busy?-3600", 0, 0},
        {"/hello", -1, -1},
        {"/later?9000000000000000000", FETCH_RETRY_AFTER_S_MAX * INT64_C(1000),
         FETCH_RETRY_AFTER_S_MAX * INT64_C(1000)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct outcome outcome = get(url_of(rows[i].path));
        ck_assert_int_eq(outcome.end, FETCH_OK);
        ck_assert_msg(outcome.retry_after_ms >= rows[i].min_ms &&
                          outcome.retry_after_ms <= rows[i].max_ms,
                      "%s: %lld", rows[i].path, (long long)outcome.retry_after_ms);
    }
}
END_TEST

/* ---- redirects ---- */

START_TEST(a_redirect_is_followed_and_its_headers_do_not_count)
{
    struct outcome outcome = get(url_of("/to?/missing"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_int_eq(outcome.status, 404);
    ck_assert_str_eq(outcome.body, "no such page");
    ck_assert_str_eq(outcome.etag, "(none)");
}
END_TEST

START_TEST(a_redirect_loop_is_refused_after_five)
{
    struct outcome outcome = get(url_of("/loop"));
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "5");
    ck_assert_int_eq(atomic_load(&peer->requests), FETCH_REDIRECTS_MAX + 1);
}
END_TEST

START_TEST(a_redirect_to_an_address_that_is_not_allowed_is_refused)
{
    char path[128];
    snprintf(path, sizeof path, "/to?http://127.0.0.2:%d/hello", inside->port);
    struct outcome outcome = get(url_of(path));
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "127.0.0.2 is refused as loopback");
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

START_TEST(a_redirect_to_another_scheme_is_refused)
{
    static const char *const paths[] = {
        "/to?file:///etc/hostname", "/to?ftp://127.0.0.1/", "/to?gopher://127.0.0.1/"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct outcome outcome = get(url_of(paths[i]));
        ck_assert_msg(outcome.end == FETCH_REFUSED, "%s: %s", paths[i], outcome.error);
        assert_text(outcome.error, "only http and https");
    }
}
END_TEST

/* ---- what is refused ---- */

START_TEST(other_schemes_and_malformed_urls_are_refused)
{
    static const char *const urls[] = {"file:///etc/hostname",
                                       "ftp://127.0.0.1/",
                                       "dict://127.0.0.1/",
                                       "http://",
                                       "http://127.0.0.1:99999/",
                                       "",
                                       "http://a b/",
                                       "http://127.0.0.1/\r\nX: y"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct outcome outcome = get(urls[i]);
        ck_assert_msg(outcome.end == FETCH_REFUSED, "%s: %s", urls[i], outcome.error);
    }
}
END_TEST

START_TEST(an_address_that_is_not_allowed_is_refused_before_connecting)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.2:%d/hello", inside->port);
    struct outcome outcome = get(url);
    ck_assert_int_eq(outcome.end, FETCH_REFUSED);
    assert_text(outcome.error, "127.0.0.2");
    assert_text(outcome.error, "loopback");
    assert_text(outcome.error, "--allow-net 127.0.0.2");
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
    snprintf(url, sizeof url, "http://[::ffff:127.0.0.2]:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

START_TEST(a_name_is_judged_by_its_address)
{
    char url[128];
    snprintf(url, sizeof url, "http://outside.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    snprintf(url, sizeof url, "http://inside.test:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

/* Both names stand for ::1, which is not allowed, and 127.0.0.1, which is. */
START_TEST(a_name_with_one_allowed_address_is_reached_there)
{
    char url[128];
    snprintf(url, sizeof url, "http://localhost:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    snprintf(url, sizeof url, "http://both.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
}
END_TEST

START_TEST(a_name_that_changes_its_address_gains_nothing)
{
    char url[128];
    snprintf(url, sizeof url, "http://rebind.test:%d/hello", peer->port);
    ck_assert_int_eq(get(url).status, 200);
    fetcher_free(fetcher); /* and with it what libcurl remembers of names */
    fetcher = fetcher_new(loop, &guard);
    snprintf(url, sizeof url, "http://rebind.test:%d/hello", inside->port);
    ck_assert_int_eq(get(url).end, FETCH_REFUSED);
    ck_assert_int_eq(atomic_load(&inside->connections), 0);
}
END_TEST

/* ---- posts ---- */

static struct outcome post(const char *url, struct bytes body)
{
    const char *headers[] = {"Content-Type: application/json", "Leat-Id: 7"};
    struct fetch_request request = request_of(url);
    request.post = &body;
    request.headers = headers;
    request.header_count = COUNT(headers);
    return run(&request);
}

START_TEST(a_post_carries_its_body_and_the_callers_headers)
{
    struct outcome outcome = post(url_of("/echo"), bytes_of("{\"type\":\"mail\"}"));
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_int_eq(strncmp(outcome.body, "POST /echo HTTP/1.1\r\n", 21), 0);
    assert_text(outcome.body, "\r\nContent-Length: 15\r\n");
    assert_text(outcome.body, "\r\nContent-Type: application/json\r\n");
    assert_text(outcome.body, "\r\nLeat-Id: 7\r\n");
    assert_text(outcome.body, "\r\n\r\n{\"type\":\"mail\"}");
    ck_assert_ptr_null(strstr(outcome.body, "urlencoded"));
}
END_TEST

/* The next one has the handle of the one before, whatever that was and came to. */
START_TEST(a_fetch_leaves_nothing_to_the_next)
{
    struct buf with_password = {0};
    buf_addf(&with_password, "http://ann:secret@%s", url_of("/echo") + strlen("http://"));
    struct outcome outcome = post(buf_text(&with_password), bytes_of("{}"));
    buf_fini(&with_password);
    assert_text(outcome.body, "\r\nAuthorization: Basic ");
    ck_assert_int_eq(get("gopher://127.0.0.1/").end, FETCH_REFUSED);
    ck_assert_int_eq(get(url_of("/to?/hello")).status, 200);
    outcome = get(url_of("/echo"));
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_str_eq(outcome.error, "");
    ck_assert_int_eq(strncmp(outcome.body, "GET /echo HTTP/1.1\r\n", 20), 0);
    static const char *const left[] = {"Authorization", "Leat-Id", "Content-", "Expect"};
    for (size_t i = 0; i < COUNT(left); i++)
        ck_assert_ptr_null(strstr(outcome.body, left[i]));
    ck_assert_int_eq(post(url_of("/to?/hello"), bytes_of("{}")).status, 302);
}
END_TEST

START_TEST(the_body_of_a_post_is_copied)
{
    char body[] = "as it was";
    struct bytes bytes = bytes_of(body);
    struct fetch_request request = request_of(url_of("/echo"));
    struct outcome outcome = {0};
    request.post = &bytes;
    fetch_start(fetcher, &request, on_done, &outcome);
    memset(body, '!', sizeof body - 1);
    await(outcome.calls, 1);
    assert_text(outcome.body, "\r\n\r\nas it was");
}
END_TEST

START_TEST(a_large_post_waits_for_no_permission)
{
    size_t len = 3UL * 1024 * 1024;
    char *body = xmalloc(len);
    struct bytes bytes = {memset(body, 'x', len), len};
    struct fetch_request request = request_of(url_of("/echo"));
    request.post = &bytes;
    request.body_max_bytes = 2 * len;
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.status, 200);
    ck_assert_uint_gt(outcome.body_len, len);
    ck_assert_ptr_null(strstr(outcome.body, "Expect"));
    free(body);
}
END_TEST

START_TEST(a_post_follows_no_redirect)
{
    struct outcome outcome = post(url_of("/to?/hello"), bytes_of("{}"));
    ck_assert_int_eq(outcome.status, 302);
    ck_assert_str_eq(outcome.body, "moved");
    ck_assert_int_eq(atomic_load(&peer->requests), 1);
}
END_TEST

START_TEST(the_answer_to_a_post_keeps_its_limit)
{
    ck_assert_int_eq(post(url_of("/endless"), bytes_of("{}")).end, FETCH_TOO_BIG);
    ck_assert_int_eq(post(url_of("/announce?2000000000"), bytes_of("{}")).end,
                     FETCH_TOO_BIG);
}
END_TEST

START_TEST(posts_to_one_host_share_one_connection)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(post(url_of("/echo"), bytes_of("{}")).status, 200);
    ck_assert_int_eq(atomic_load(&peer->requests), 20);
    ck_assert_int_eq(atomic_load(&peer->connections), 1);
}
END_TEST

START_TEST(a_kept_connection_that_the_peer_has_closed_costs_no_post)
{
    for (int i = 1; i <= 10; i++) {
        ck_assert_int_eq(post(url_of("/bye"), bytes_of("{}")).status, 200);
        ck_assert_int_eq(atomic_load(&peer->requests), i);
    }
}
END_TEST

START_TEST(a_connection_that_closes_while_it_is_used_again_costs_no_post_either)
{
    for (int i = 0; i < 20; i++) {
        struct outcome outcome = post(url_of("/too-late"), bytes_of("{}"));
        ck_assert_msg(outcome.status == 200, "post %d: %s", i, outcome.error);
    }
}
END_TEST

START_TEST(a_fetcher_without_a_guard_reaches_every_address)
{
    char url[64];
    struct bytes body = bytes_of("{}");
    struct outcome outcome = {0};
    struct fetcher *free_one = fetcher_new(loop, NULL);
    snprintf(url, sizeof url, "http://127.0.0.2:%d/echo", inside->port);
    struct fetch_request request = request_of(url);
    request.post = &body;
    fetch_start(free_one, &request, on_done, &outcome);
    await(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, 200);
    fetcher_free(free_one);
}
END_TEST

SUITE_WITH(
    "fetch", set_up, tear_down, an_answer_comes_with_status_body_and_validators,
    a_status_of_the_peer_is_an_answer, a_matching_etag_is_answered_304_without_body,
    the_request_carries_our_headers_and_the_callers,
    a_stored_validator_cannot_add_a_header, a_proxy_in_the_environment_is_ignored,
    headers_that_are_too_long_are_ignored_and_the_longest_allowed_is_kept,
    headers_of_an_interim_answer_do_not_count, retry_after_is_read_as_seconds_and_as_date,
    a_redirect_is_followed_and_its_headers_do_not_count,
    a_redirect_loop_is_refused_after_five,
    a_redirect_to_an_address_that_is_not_allowed_is_refused,
    a_redirect_to_another_scheme_is_refused, other_schemes_and_malformed_urls_are_refused,
    an_address_that_is_not_allowed_is_refused_before_connecting,
    a_name_is_judged_by_its_address, a_name_with_one_allowed_address_is_reached_there,
    a_name_that_changes_its_address_gains_nothing,
    a_post_carries_its_body_and_the_callers_headers, a_fetch_leaves_nothing_to_the_next,
    the_body_of_a_post_is_copied, a_large_post_waits_for_no_permission,
    a_post_follows_no_redirect, the_answer_to_a_post_keeps_its_limit,
    posts_to_one_host_share_one_connection,
    a_kept_connection_that_the_peer_has_closed_costs_no_post,
    a_connection_that_closes_while_it_is_used_again_costs_no_post_either,
    a_fetcher_without_a_guard_reaches_every_address)
