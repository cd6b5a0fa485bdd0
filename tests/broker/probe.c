/* SPDX-License-Identifier: MIT */
#include "probe.h"
#include "broker/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct probe probe;

static void on_turn(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
}

static void on_up(void *arg)
{
    (void)arg;
    probe.ups++;
}

static void on_fatal(void *arg, const struct err *err)
{
    (void)arg;
    probe.fatals++;
    probe.err = *err;
}

static void on_answer(void *arg, struct answer *answer)
{
    (void)arg;
    ck_assert_int_eq(probe.sending, 0);
    ck_assert_int_lt(probe.count, PROBE_ANSWERS);
    int i = probe.count++;
    probe.answer[i].code = answer->code;
    probe.answer[i].number = reply_int(answer->reply, -1);
    snprintf(probe.answer[i].text, sizeof probe.answer[i].text, "%s", answer->text);
}

static void on_down(void *arg, const char *why)
{
    (void)arg;
    ck_assert_uint_gt(strlen(why), 0);
    probe.downs++;
    if (probe.say_when_down != NULL)
        ck_assert_int_eq(SEND(LINK_RESEND, "RPUSH", "l", probe.say_when_down), LEAT_OK);
}

void probe_open(const char *url)
{
    struct err err = {0};
    probe.ups = probe.downs = probe.fatals = probe.count = 0;
    probe.err = err;
    ck_assert_msg(redis_url_parse(&probe.config.url, url, &err) == LEAT_OK, "%s",
                  err.text);
    if (probe.config.name == NULL)
        probe.config.name = "leat-probe";
    probe.config.on_up = on_up;
    probe.config.on_down = on_down;
    probe.config.on_fatal = on_fatal;
    probe.loop = ev_loop_new(EVFLAG_AUTO);
    ev_timer_init(&probe.turn, on_turn, PROBE_TURN_MS / 1000.0, PROBE_TURN_MS / 1000.0);
    ev_timer_start(probe.loop, &probe.turn);
    probe.link = link_new(probe.loop, &probe.config);
    ck_assert_int_eq(probe.ups + probe.fatals, 0);
}

void probe_close(void)
{
    link_free(probe.link);
    cmd_fini(&probe.cmd);
    ev_timer_stop(probe.loop, &probe.turn);
    ev_loop_destroy(probe.loop);
}

void probe_start(void)
{
    redis_fixture_start(&probe.redis, NULL);
    probe.config.give_up_ms = -1;
    probe_open(probe.redis.url);
    AWAIT(probe.ups == 1);
}

void probe_stop(void)
{
    probe_close();
    redis_fixture_stop(&probe.redis);
}

int probe_send(unsigned flags, int64_t patience_ms)
{
    probe.sending = 1;
    int code = link_send(probe.link, &probe.cmd, flags, patience_ms, on_answer, NULL);
    probe.sending = 0;
    return code;
}

const char *probe_ask(const char *const *words)
{
    static char text[8192];
    struct client client;
    struct err err = {0};
    const struct redisReply *reply = NULL;
    client_open(&client, probe.redis.url, 10000, &err);
    ck_assert_msg(err.code == LEAT_OK, "%s", err.text);
    cmd_reset(&client.cmd);
    while (*words != NULL)
        cmd_adds(&client.cmd, *words++);
    ck_assert_msg(client_call(&client, &reply, &err) == LEAT_OK, "%s", err.text);
    struct bytes bytes = reply_bytes(reply);
    if (reply_is_int(reply))
        snprintf(text, sizeof text, "%lld", (long long)reply_int(reply, 0));
    else
        snprintf(text, sizeof text, "%.*s", (int)bytes.len, bytes.at);
    client_close(&client);
    return text;
}

int probe_listen(char path[108])
{
    char dir[] = "/tmp/leat-test.XXXXXX";
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof addr.sun_path, "%s/s", dir);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

void probe_unlisten(char path[108])
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
