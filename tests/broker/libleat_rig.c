/* SPDX-License-Identifier: MIT */
#include "libleat_rig.h"
#include "base/clock.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct rig rig;

void rig_expect(int code, int got, const char *part, const char *call)
{
    const char *text = leat_error_text(rig.leat);
    ck_assert_msg(got == code, "%d of %s: %s", got, call, text);
    ck_assert_msg(strstr(text, part) != NULL, "no '%s' in '%s'", part, text);
    ck_assert_msg((got == 0) == (text[0] == '\0'), "%d with '%s'", got, text);
}

/* ---- life -------------------------------------------------------------------------- */

void rig_look(void)
{
    struct err err = {0};
    ck_assert_int_eq(queue_init(&rig.queue, "q", NULL), LEAT_OK);
    ck_assert_int_eq(client_open(&rig.other, rig.redis.url, RIG_MS, &err), LEAT_OK);
}

void rig_open(const char *url)
{
    OK(leat_open(&rig.leat, url, NULL));
}

void rig_stop(void)
{
    leat_close(rig.leat);
    rig.leat = NULL;
    client_close(&rig.other);
    redis_fixture_stop(&rig.redis);
}

/* ---- pushing and reading ----------------------------------------------------------- */

static struct leat_job next_job(char id[24])
{
    snprintf(id, 24, "%lld", (long long)rig.next);
    return (struct leat_job){
        .size = sizeof(struct leat_job), .queue = "q", .type = "thing", .id = id};
}

int rig_add(int64_t count, int64_t timeout_ms)
{
    char id[24];
    for (; count > 0; count--) {
        struct leat_ticket ticket = {0};
        struct leat_job job = next_job(id);
        int code = leat_add(rig.leat, &job, &ticket, timeout_ms);
        if (code != 0)
            return code;
        ck_assert_str_eq(ticket.id, id);
        rig.tickets[rig.next++] = ticket.number;
    }
    return 0;
}

int rig_push(int64_t timeout_ms)
{
    char id[24];
    struct leat_ticket ticket;
    struct leat_job job = next_job(id);
    int code = leat_push(rig.leat, &job, &ticket, timeout_ms);
    if (ticket.number != 0)
        rig.tickets[rig.next++] = ticket.number;
    return code;
}

int64_t rig_in_state(enum leat_state state)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rig.next; i++)
        count += leat_state(rig.leat, rig.tickets[i]) == state;
    return count;
}

const struct redisReply *rig_ask(void)
{
    struct err err = {0};
    const struct redisReply *reply = NULL;
    int64_t end_ms = clock_mono_ms() + RIG_MS;
    while (client_call(&rig.other, &reply, &err) != LEAT_OK) {
        ck_assert_msg(err.code == LEAT_ELINK && clock_mono_ms() < end_ms, "%s", err.text);
        err = (struct err){0};
        ev_run(rig.other.loop, EVRUN_ONCE); /* until it has come back */
    }
    return reply;
}

static void see(struct bytes payload)
{
    char want[80];
    snprintf(want, sizeof want, "{\"type\":\"thing\",\"id\":\"%lld\",\"args\":{}}",
             (long long)rig.seen++);
    ck_assert_msg(bytes_is(payload, want), "%.*s", (int)payload.len, payload.at);
}

int64_t rig_read(int64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)count);
    const struct redisReply *page = ASK("RPOP", rig.queue.list, text);
    for (size_t i = 0; i < reply_count(page); i++)
        see(reply_bytes(reply_at(page, i)));
    return (int64_t)reply_count(page);
}

void rig_expect_each_once(void)
{
    while (rig_read(5000) > 0)
        ;
    ck_assert_int_eq(rig.seen, rig.next);
}

/* ---- the faulty wire --------------------------------------------------------------- */

static _Noreturn void become_proxy(const char *path, const char *const *options,
                                   int stdout_fd)
{
    const char *args[32] = {"leat-proxy", "--listen", path, "--to", rig.redis.socket};
    int count = 5;
    while (*options != NULL && count < 31)
        args[count++] = *options++;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(stdout_fd, STDOUT_FILENO);
    execv(LEAT_PROXY, (char *const *)args);
    _exit(127);
}

static int proxy_said(const char *word)
{
    char said[4096];
    ssize_t len = read(rig.proxy_says, said, sizeof said - 1);
    said[len > 0 ? len : 0] = '\0';
    return strstr(said, word) != NULL;
}

void rig_proxy_start(const char *url_out[static 1], const char *const *options)
{
    static char path[112], url[120];
    int pipe_fd[2];
    snprintf(path, sizeof path, "%s/proxy", rig.redis.dir);
    snprintf(url, sizeof url, "unix://%s", path);
    ck_assert_int_eq(pipe(pipe_fd), 0);
    rig.proxy = fork();
    if (rig.proxy == 0)
        become_proxy(path, options, pipe_fd[1]);
    close(pipe_fd[1]);
    rig.proxy_says = pipe_fd[0];
    ck_assert(proxy_said("listening"));
    *url_out = url;
}

int rig_proxy_stop(void)
{
    kill(rig.proxy, SIGTERM);
    waitpid(rig.proxy, NULL, 0);
    int faulty = proxy_said(" after ");
    close(rig.proxy_says);
    return faulty;
}
