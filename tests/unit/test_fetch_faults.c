/* SPDX-License-Identifier: MIT */
/* What is too big, fails, or is cancelled; and what many fetches share. */
#include "base/clock.h"
#include "fetch_client.h"

/* ---- what is too big ---- */

START_TEST(a_body_of_the_limit_is_kept_and_one_byte_more_is_too_big)
{
    struct fetch_request request = request_of(url_of("/body?100000"));
    request.body_max_bytes = 100000;
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_OK);
    ck_assert_uint_eq(outcome.body_len, 100000);
    request.body_max_bytes = 99999;
    outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_str_eq(outcome.error, "body of 100000 bytes (limit 99999)");
}
END_TEST

START_TEST(a_body_without_end_is_too_big)
{
    struct outcome outcome = get(url_of("/endless"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_uint_eq(outcome.body_len, 0);
    ck_assert_str_eq(outcome.error, "body of more than 1048576 bytes (limit 1048576)");
}
END_TEST

START_TEST(an_announced_length_beyond_the_limit_is_too_big_before_the_body_comes)
{
    struct outcome outcome = get(url_of("/announce?2000000000"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    ck_assert_str_eq(outcome.error, "body of 2000000000 bytes (limit 1048576)");
}
END_TEST

START_TEST(headers_without_end_are_too_big)
{
    struct outcome outcome = get(url_of("/headers"));
    ck_assert_int_eq(outcome.end, FETCH_TOO_BIG);
    assert_text(outcome.error, "headers of more than 262144 bytes");
}
END_TEST

/* ---- what fails ---- */

START_TEST(a_peer_that_never_answers_fails_at_the_time_out)
{
    struct fetch_request request = request_of(url_of("/hang"));
    request.timeout_ms = 150;
    int64_t start_mono_ms = clock_mono_ms();
    struct outcome outcome = run(&request);
    int64_t took_ms = clock_mono_ms() - start_mono_ms;
    ck_assert_int_eq(outcome.end, FETCH_FAILED);
    ck_assert_str_eq(outcome.error, "no complete answer within 150 ms");
    ck_assert_msg(took_ms >= 140 && took_ms < 5000, "%lld ms", (long long)took_ms);
}
END_TEST

START_TEST(the_time_out_holds_while_all_connections_to_the_host_are_taken)
{
    enum { TAKEN = 16 };
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome taken[TAKEN] = {0};
    for (int i = 0; i < TAKEN; i++)
        fetch_start(fetcher, &request, on_done, &taken[i]);
    await(atomic_load(&peer->requests), TAKEN);
    request.timeout_ms = 100;
    struct outcome outcome = run(&request);
    ck_assert_int_eq(outcome.end, FETCH_FAILED);
    ck_assert_int_eq(atomic_load(&peer->connections), TAKEN);
    for (int i = 0; i < TAKEN; i++)
        ck_assert_int_eq(taken[i].calls, 0);
}
END_TEST

START_TEST(a_name_that_is_not_resolved_in_time_fails_and_stops_nobody)
{
    char url[128];
    pthread_mutex_lock(&slow_lock);
    snprintf(url, sizeof url, "http://slow.test:%d/hello", peer->port);
    struct fetch_request request = request_of(url);
    struct outcome slow = {0}, cancelled = {0};
    request.timeout_ms = 300;
    fetch_start(fetcher, &request, on_done, &slow);
    request.timeout_ms = DEADLINE_MS;
    struct fetch *fetch = fetch_start(fetcher, &request, on_done, &cancelled);
    await(atomic_load(&lookups_waiting), 2);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    fetch_cancel(fetch);
    await(slow.calls, 1);
    ck_assert_int_eq(slow.end, FETCH_FAILED);
    ck_assert_int_eq(cancelled.calls, 0);
    ck_assert_int_eq(atomic_load(&lookups_waiting), 2);
    pthread_mutex_unlock(&slow_lock);
    await(-atomic_load(&lookups_waiting), 0);
}
END_TEST

START_TEST(a_refused_connection_fails)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "both.test"};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    char url[64];
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len),
                     0); /* but not listening */
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        snprintf(url, sizeof url, "http://%s:%d/", hosts[i], ntohs(address.sin_port));
        struct outcome outcome = get(url);
        ck_assert_msg(outcome.end == FETCH_FAILED, "%s: %s", url, outcome.error);
    }
    close(fd);
}
END_TEST

START_TEST(a_peer_that_speaks_no_http_or_breaks_off_fails)
{
    static const char *const paths[] = {"/garbage", "/cut", "/unknown", "/to?/garbage"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct outcome outcome = get(url_of(paths[i]));
        ck_assert_msg(outcome.end == FETCH_FAILED, "%s: %d %s", paths[i], outcome.end,
                      outcome.error);
        ck_assert_uint_eq(outcome.body_len, 0);
    }
}
END_TEST

/* ---- life cycle ---- */

START_TEST(a_cancelled_fetch_calls_nobody)
{
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome outcome = {0};
    fetch_cancel(fetch_start(fetcher, &request, on_done, &outcome));
    struct fetch *fetch = fetch_start(fetcher, &request, on_done, &outcome);
    await(atomic_load(&peer->requests), 1);
    fetch_cancel(fetch);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(a_callback_may_cancel_another_fetch_even_one_that_ends_in_the_same_turn)
{
    struct fetch *a, *b;
    struct outcome of_a = {.cancel = &b}, of_b = {.cancel = &a};
    struct fetch_request request = request_of("file:///etc/hostname");
    a = fetch_start(fetcher, &request, on_done, &of_a);
    b = fetch_start(fetcher, &request, on_done, &of_b);
    await(of_a.calls + of_b.calls, 1);
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(of_a.calls + of_b.calls, 1);
}
END_TEST

START_TEST(freeing_the_fetcher_cancels_what_is_in_flight)
{
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome outcome = {0};
    for (int i = 0; i < 3; i++)
        fetch_start(fetcher, &request, on_done, &outcome);
    await(atomic_load(&peer->requests), 3);
    fetcher_free(fetcher);
    fetcher = NULL;
    ev_run(loop, EVRUN_NOWAIT);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(many_fetches_run_in_parallel_over_few_connections)
{
    enum { FETCHES = 200 };
    static struct outcome outcomes[FETCHES];
    struct fetch_request request = request_of(url_of("/hello"));
    for (int i = 0; i < FETCHES; i++)
        fetch_start(fetcher, &request, on_done, &outcomes[i]);
    for (int i = 0; i < FETCHES; i++)
        await(outcomes[i].calls, 1);
    for (int i = 0; i < FETCHES; i++) {
        ck_assert_int_eq(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].status, 200);
        ck_assert_str_eq(outcomes[i].body, "hello");
    }
    ck_assert_int_le(atomic_load(&peer->connections), 16);
}
END_TEST

START_TEST(an_idle_fetcher_keeps_no_loop_alive)
{
    ck_assert_int_eq(get(url_of("/hello")).status, 200);
    ck_assert_int_eq(ev_run(loop, EVRUN_NOWAIT), 0);
}
END_TEST

START_TEST(no_more_connections_are_opened_than_the_limit_says)
{
    enum { FETCHES = 40, LIMIT = 3 };
    static struct outcome outcomes[FETCHES];
    struct fetch_request request = request_of(url_of("/hello"));
    struct fetcher *narrow = fetcher_new(loop, &guard);
    fetcher_limit(narrow, LIMIT);
    for (int i = 0; i < FETCHES; i++)
        fetch_start(narrow, &request, on_done, &outcomes[i]);
    for (int i = 0; i < FETCHES; i++) {
        await(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].status, 200);
    }
    ck_assert_int_eq(atomic_load(&peer->connections), LIMIT);
    fetcher_free(narrow);
}
END_TEST

START_TEST(cancelling_closes_the_connection)
{
    struct bytes body = bytes_of("{}");
    struct fetch_request request = request_of(url_of("/hang"));
    struct outcome outcome = {0};
    request.post = &body;
    struct fetch *fetch = fetch_start(fetcher, &request, on_done, &outcome);
    await(atomic_load(&peer->requests), 1);
    ck_assert_int_eq(atomic_load(&peer->gone), 0);
    fetch_cancel(fetch);
    await(atomic_load(&peer->gone), 1);
    ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

SUITE_WITH("fetch_faults", set_up, tear_down,
           a_body_of_the_limit_is_kept_and_one_byte_more_is_too_big,
           a_body_without_end_is_too_big,
           an_announced_length_beyond_the_limit_is_too_big_before_the_body_comes,
           headers_without_end_are_too_big,
           a_peer_that_never_answers_fails_at_the_time_out,
           the_time_out_holds_while_all_connections_to_the_host_are_taken,
           a_name_that_is_not_resolved_in_time_fails_and_stops_nobody,
           a_refused_connection_fails, a_peer_that_speaks_no_http_or_breaks_off_fails,
           a_cancelled_fetch_calls_nobody,
           a_callback_may_cancel_another_fetch_even_one_that_ends_in_the_same_turn,
           freeing_the_fetcher_cancels_what_is_in_flight,
           many_fetches_run_in_parallel_over_few_connections,
           an_idle_fetcher_keeps_no_loop_alive,
           no_more_connections_are_opened_than_the_limit_says,
           cancelling_closes_the_connection)
