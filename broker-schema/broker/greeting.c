/* SPDX-License-Identifier: MIT */
#include "broker/greeting.h"
#include "broker/info.h"
#include "broker/script_call.h"

#include <stdlib.h>
#include <string.h>

enum { SERVER_MAJOR_MIN = 7 };

static void answered(struct greeting *greeting)
{
    if (--greeting->due > 0)
        return;
    greeting->old_client_id = 0;
    greeting->done(greeting->arg, &greeting->err);
}

static void say(struct greeting *greeting, const struct cmd *cmd, answer_fn fn)
{
    greeting->due++;
    greeting->send(greeting->arg, cmd, fn, greeting);
}

/* A lost connection is the owner's to notice; nothing more is said then. */
static int is_lost(const struct answer *answer)
{
    return answer->code == LEAT_ELINK;
}

static void refuse(struct greeting *greeting, const struct answer *answer)
{
    err_set(&greeting->err, answer->code == LEAT_EBUG ? LEAT_ECONFIG : answer->code,
            "Redis at %s refused the connection: %.200s", greeting->config->url.shown,
            answer->text);
}

static void on_must(void *arg, struct answer *answer)
{
    struct greeting *greeting = arg;
    if (is_lost(answer))
        return;
    if (answer->code != LEAT_OK)
        refuse(greeting, answer);
    answered(greeting);
}

static void on_may(void *arg, struct answer *answer)
{
    if (!is_lost(answer))
        answered(arg);
}

/* The name is a courtesy, which a user may lack the permission for; but who has to show a
 * password first learns it here. */
static void on_named(void *arg, struct answer *answer)
{
    int is_shut = strncmp(answer->text, "NOAUTH", strlen("NOAUTH")) == 0;
    (is_shut ? on_must : on_may)(arg, answer);
}

static void on_client_id(void *arg, struct answer *answer)
{
    struct greeting *greeting = arg;
    if (answer->code == LEAT_OK)
        greeting->client_id = reply_int(answer->reply, 0);
    on_may(greeting, answer);
}

/* The old connection may still hold commands that the server has not read. Ids start anew
 * with each run of the server, so only the same run's id means us. */
static void kill_old(struct greeting *greeting)
{
    struct cmd cmd = {0};
    if (greeting->old_client_id == 0 ||
        strcmp(greeting->run_id, greeting->old_run_id) != 0)
        return;
    cmd_set(&cmd, "CLIENT", "KILL", "ID", NULL);
    cmd_add_int(&cmd, greeting->old_client_id);
    say(greeting, &cmd, on_may);
    cmd_fini(&cmd);
}

static void judge(struct greeting *greeting, struct bytes info)
{
    const char *shown = greeting->config->url.shown;
    char loading[4], policy[32];
    info_value(info, "redis_version", greeting->version, sizeof greeting->version);
    info_value(info, "run_id", greeting->run_id, sizeof greeting->run_id);
    info_value(info, "loading", loading, sizeof loading);
    info_value(info, "maxmemory_policy", policy, sizeof policy);
    if (strcmp(loading, "1") == 0)
        err_set(&greeting->err, LEAT_EBUSY, "Redis at %s is loading its data", shown);
    else if (strtol(greeting->version, NULL, 10) < SERVER_MAJOR_MIN)
        err_set(&greeting->err, LEAT_ECONFIG,
                "Redis at %s has version %s, leat needs 7.0 or later", shown,
                greeting->version);
    else if (policy[0] != '\0' && strcmp(policy, "noeviction") != 0)
        err_set(
            &greeting->err, LEAT_ECONFIG,
            "Redis at %s may evict jobs: maxmemory-policy is %s, it must be noeviction "
            "(CONFIG SET maxmemory-policy noeviction)",
            shown, policy);
    else
        kill_old(greeting);
}

/* The first of its number to come here tells the others. If it may not write now it tells
 * them the next time. */
static void tell_protocol(struct greeting *greeting)
{
    struct cmd cmd = {0};
    script_protocol(&cmd, greeting->config->protocol);
    say(greeting, &cmd, on_may);
    cmd_fini(&cmd);
}

static void judge_protocol(struct greeting *greeting, int64_t there)
{
    int ours = greeting->config->protocol;
    if (there > ours)
        err_set(&greeting->err, LEAT_ECONFIG,
                "a newer leat works on Redis at %s: it speaks protocol %lld, this worker "
                "%d; start a worker of that version, or, if none of them is left for "
                "good, redis-cli DEL '%s'",
                greeting->config->url.shown, (long long)there, ours, PROTOCOL_KEY);
    else if (there < ours && greeting->err.code == LEAT_OK)
        tell_protocol(greeting);
}

/* Who may not ask, or is not answered now, goes on. */
static void on_protocol(void *arg, struct answer *answer)
{
    struct greeting *greeting = arg;
    int64_t there = reply_int(answer->reply, reply_is_nil(answer->reply) ? 0 : -1);
    if (answer->code == LEAT_EFOREIGN || (answer->code == LEAT_OK && there < 0))
        err_set(&greeting->err, LEAT_ECONFIG,
                "'%s' in Redis at %s is ours, but holds no number; redis-cli DEL it",
                PROTOCOL_KEY, greeting->config->url.shown);
    else if (answer->code == LEAT_OK)
        judge_protocol(greeting, there);
    on_may(greeting, answer);
}

static void on_info(void *arg, struct answer *answer)
{
    struct greeting *greeting = arg;
    if (answer->code == LEAT_OK)
        judge(greeting, reply_bytes(answer->reply));
    on_must(greeting, answer);
}

static void say_who(struct greeting *greeting, struct cmd *cmd)
{
    const struct redis_url *url = &greeting->config->url;
    if (url->password[0] == '\0')
        return;
    cmd_set(cmd, "AUTH", NULL);
    if (url->user[0] != '\0')
        cmd_adds(cmd, url->user);
    cmd_adds(cmd, url->password);
    say(greeting, cmd, on_must);
}

static void say_where(struct greeting *greeting, struct cmd *cmd)
{
    if (greeting->config->url.db == 0)
        return;
    cmd_set(cmd, "SELECT", NULL);
    cmd_add_int(cmd, greeting->config->url.db);
    say(greeting, cmd, on_must);
}

static void ask(struct greeting *greeting, struct cmd *cmd)
{
    cmd_set(cmd, "CLIENT", "SETNAME", greeting->config->name, NULL);
    say(greeting, cmd, on_named);
    if (!greeting->config->serving)
        return;
    cmd_set(cmd, "CLIENT", "ID", NULL);
    say(greeting, cmd, on_client_id);
    cmd_set(cmd, "INFO", NULL);
    say(greeting, cmd, on_info);
    if (greeting->config->protocol == 0)
        return;
    cmd_set(cmd, "GET", PROTOCOL_KEY, NULL);
    say(greeting, cmd, on_protocol);
}

void greeting_start(struct greeting *greeting)
{
    struct cmd cmd = {0};
    greeting->err = (struct err){0};
    greeting->due = 1; /* this function's own, so that nothing is done before its end */
    say_who(greeting, &cmd);
    say_where(greeting, &cmd);
    ask(greeting, &cmd);
    cmd_fini(&cmd);
    answered(greeting);
}

void greeting_forget(struct greeting *greeting)
{
    if (greeting->client_id == 0)
        return;
    /* One that was lost while greeting has nothing queued; the one before it may. */
    if (greeting->old_client_id == 0) {
        greeting->old_client_id = greeting->client_id;
        memcpy(greeting->old_run_id, greeting->run_id, sizeof greeting->old_run_id);
    }
    greeting->client_id = 0;
}
