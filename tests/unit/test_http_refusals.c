/* SPDX-License-Identifier: MIT */
/* The HTTP door: what it refuses and what it limits. */
#include "http_client.h"
#include "http_probes.h"

/* --- probes
 * ------------------------------------------------------------------------------ */

static int keeps_open(int status)
{
    return status == 200 || status == 404 || status == 405;
}

static void try_probe(const struct probe *probe)
{
    struct client client = dial();
    say(&client, probe->raw, probe->len);
    int status = await_reply(&client, 0);
    ck_assert_msg(status == probe->status, "%s: %d, not %d: %s", probe->name, status,
                  probe->status, buf_text(&client.reply));
    if (!keeps_open(probe->status))
        await_end(&client);
    const char *reply = buf_text(&client.reply);
    ck_assert_msg(count_of(reply, "HTTP/1.1 200") == (status == 200), "%s", probe->name);
    ck_assert_msg(strstr(reply, "smuggled") == NULL, "%s", probe->name);
    hang_up(&client);
}

START_TEST(a_probe_gets_its_status_and_nothing_behind_it_is_served)
{
    set_up();
    for (unsigned i = 0; i < COUNT(probes); i++)
        try_probe(&probes[i]);
    struct client client = dial();
    ck_assert_int_eq(get(&client, "/"), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

/* Send `head`, then `part` `count` times, then the end of the headers. */
static int send_large(const char *head, const char *part, unsigned count)
{
    struct client client = dial();
    struct buf text = {0};
    buf_adds(&text, head);
    for (unsigned i = 0; i < count; i++)
        buf_adds(&text, part);
    buf_adds(&text, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    say(&client, text.data, text.len);
    int status = await_reply(&client, 0);
    await_end(&client);
    buf_fini(&text);
    hang_up(&client);
    return status;
}

START_TEST(a_request_too_large_is_refused)
{
    set_up();
    /* The rest of a large request may still be under way when the answer is out; then the
     * client may see a reset instead of the answer. */
    int status = send_large(OPEN "X-A: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 2048);
    ck_assert_msg(status == 431 || status == 0, "one large header: %d", status);
    status = send_large(OPEN, "X-A: b\r\n", 4000);
    ck_assert_msg(status == 431 || status == 0, "many headers: %d", status);
    status = send_large("GET /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 2048);
    ck_assert_msg(status == 414 || status == 0, "large target: %d", status);
    status = send_large("GET /?", "a=b&", 1500);
    ck_assert_msg(status == 431 || status == 0, "many parameters: %d", status);
    struct client client = dial();
    ck_assert_int_eq(get(&client, "/"), 200);
    hang_up(&client);
    tear_down();
}
END_TEST

START_TEST(headers_that_come_in_small_pieces_are_read_whole)
{
    set_up();
    struct client client = dial();
    struct buf text = {0};
    buf_adds(&text, OPEN);
    for (unsigned i = 0; i < 60; i++)
        buf_addf(&text,
                 "X-Filler-%u: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                 i);
    buf_adds(&text, "\r\n");
    for (int i = 0; i < 3; i++) {
        buf_reset(&client.reply);
        for (size_t at = 0; at < text.len; at += 7)
            say(&client, text.data + at, text.len - at < 7 ? text.len - at : 7);
        ck_assert_int_eq(await_reply(&client, 0), 200);
    }
    buf_fini(&text);
    hang_up(&client);
    tear_down();
}
END_TEST

/* --- host
 * -------------------------------------------------------------------------------- */

START_TEST(the_server_takes_its_own_port_only)
{
    set_up();
    char request[128];
    for (int off = 0; off < 2; off++) {
        struct client client = dial();
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
                 bound_port() + off);
        ask(&client, request);
        ck_assert_int_eq(await_reply(&client, 0), off ? 421 : 200);
        hang_up(&client);
    }
    tear_down();
}
END_TEST

/* --- limits
 * ------------------------------------------------------------------------------ */

START_TEST(a_client_that_trickles_its_headers_is_cut_off)
{
    set_up();
    restart("127.0.0.1:0", 200, 0);
    struct client slow = dial(), silent = dial();
    int64_t start = clock_mono_ms(), told = start;
    ask(&slow, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ");
    while (!slow.is_closed) {
        ck_assert(clock_mono_ms() - start < PATIENCE_MS);
        if (clock_mono_ms() - told >= 20) {
            told = clock_mono_ms();
            ask(&slow, "a");
        }
        listen_in(&slow);
    }
    ck_assert_int_ge((int)(clock_mono_ms() - start), 200);
    ck_assert_int_eq(status_of(&slow), 0);
    await_end(&silent);
    hang_up(&slow);
    hang_up(&silent);
    tear_down();
}
END_TEST

START_TEST(a_kept_connection_must_not_idle_or_trickle_for_ever)
{
    set_up();
    restart("127.0.0.1:0", 200, 300);
    struct client idle = dial(), slow = dial();
    ck_assert_int_eq(get(&idle, "/"), 200);
    ck_assert_int_eq(get(&slow, "/"), 200);
    int64_t start = clock_mono_ms(), told = start;
    while (!slow.is_closed) {
        ck_assert(clock_mono_ms() - start < PATIENCE_MS);
        if (clock_mono_ms() - told >= 20) {
            told = clock_mono_ms();
            ask(&slow, told - start < 30 ? "G" : "E");
        }
        listen_in(&slow);
    }
    await_end(&idle);
    hang_up(&idle);
    hang_up(&slow);
    tear_down();
}
END_TEST

START_TEST(a_deferred_request_outlives_the_deadlines)
{
    set_up();
    restart("127.0.0.1:0", 300, 300);
    struct client waits = dial(), idle = dial();
    ask(&waits, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await_kept(1);
    await_end(&idle);
    http_answer(kept[0], 200, "text/plain", bytes_of("late"));
    ck_assert_int_eq(await_reply(&waits, 0), 200);
    hang_up(&waits);
    hang_up(&idle);
    tear_down();
}
END_TEST

START_TEST(one_address_gets_128_connections)
{
    set_up();
    static struct client clients[140];
    unsigned served = 0;
    for (unsigned i = 0; i < 140; i++) {
        clients[i] = dial();
        served += get(&clients[i], "/") == 200;
    }
    ck_assert_uint_eq(served, 128);
    hang_up(&clients[0]);
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    for (int status = 0; status != 200;) {
        ck_assert(clock_mono_ms() < until);
        struct client again = dial();
        status = get(&again, "/");
        hang_up(&again);
    }
    for (unsigned i = 1; i < 140; i++)
        hang_up(&clients[i]);
    tear_down();
}
END_TEST

START_TEST(only_256_connections_are_open_and_a_free_place_is_taken)
{
    set_up();
    char folder[] = "/tmp/test_http.XXXXXX", path[64], address[80];
    static struct client clients[257];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    restart(address, 0, 0);
    for (unsigned i = 0; i < 257; i++) {
        clients[i] = (struct client){.fd = dial_unix(path)};
        if (i < 256)
            ck_assert_int_eq(get(&clients[i], "/"), 200);
    }
    ask(&clients[256], OPEN "\r\n");
    for (int i = 0; i < 100; i++)
        listen_in(&clients[256]);
    ck_assert_uint_eq(clients[256].reply.len, 0);
    hang_up(&clients[7]);
    ck_assert_int_eq(await_reply(&clients[256], 0), 200);
    for (unsigned i = 0; i < 257; i++)
        if (i != 7)
            hang_up(&clients[i]);
    http_close(server);
    server = NULL;
    rmdir(folder);
    tear_down();
}
END_TEST

SUITE("http_refusals", a_probe_gets_its_status_and_nothing_behind_it_is_served,
      a_request_too_large_is_refused, headers_that_come_in_small_pieces_are_read_whole,
      the_server_takes_its_own_port_only, a_client_that_trickles_its_headers_is_cut_off,
      a_kept_connection_must_not_idle_or_trickle_for_ever,
      a_deferred_request_outlives_the_deadlines, one_address_gets_128_connections,
      only_256_connections_are_open_and_a_free_place_is_taken)
