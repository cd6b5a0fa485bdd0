/* SPDX-License-Identifier: MIT */
#include "broker/client.h"

#include <ev.h>
#include <stdio.h>

static void on_fatal(void *arg, const struct err *err)
{
    struct client *client = arg;
    client->fatal = *err;
    ev_break(client->loop, EVBREAK_ALL);
}

static void on_up(void *arg)
{
    struct client *client = arg;
    ev_break(client->loop, EVBREAK_ALL);
}

int client_open(struct client *client, const char *given_url, int64_t give_up_ms,
                struct err *err)
{
    *client = (struct client){0};
    struct link_config config = {.name = "leat",
                                 .give_up_ms = give_up_ms,
                                 .arg = client,
                                 .on_fatal = on_fatal,
                                 .on_up = on_up};
    int code = redis_url_choose(&config.url, given_url, err);
    if (code != LEAT_OK)
        return code;
    snprintf(client->shown, sizeof client->shown, "%s", config.url.shown);
    client->url = config.url;
    client->loop = ev_loop_new(EVFLAG_AUTO);
    client->link = link_new(client->loop, &config);
    int up = 0;
    while (!up && client->fatal.code == LEAT_OK) {
        ev_run(client->loop, 0);
        up = link_is_up(client->link);
    }
    return up ? LEAT_OK : err_set(err, client->fatal.code, "%s", client->fatal.text);
}

const char *client_shown(const struct client *client)
{
    return client->shown;
}

const char *client_why(const struct client *client)
{
    return client->link != NULL ? link_lost_why(client->link) : "";
}

void client_close(struct client *client)
{
    link_free(client->link);
    reply_free(client->reply);
    cmd_fini(&client->cmd);
    if (client->loop != NULL)
        ev_loop_destroy(client->loop);
    *client = (struct client){0};
}

int client_wait(struct client *client, const int *done, struct err *err)
{
    while (!*done && client->fatal.code == LEAT_OK)
        ev_run(client->loop, EVRUN_ONCE);
    return *done ? LEAT_OK : err_set(err, client->fatal.code, "%s", client->fatal.text);
}

static void on_answer(void *arg, struct answer *answer)
{
    struct client *client = arg;
    client->box.waiting = 0;
    client->box.code = answer->code;
    snprintf(client->box.text, sizeof client->box.text, "%s", answer->text);
    client->reply = answer_take(answer);
}

int client_call(struct client *client, const struct redisReply **reply, struct err *err)
{
    reply_free(client->reply);
    client->reply = NULL;
    client->box.waiting = 1;
    if (link_send(client->link, &client->cmd, 0, 0, on_answer, client) != LEAT_OK)
        return err_set(err, LEAT_ELINK, "the connection to Redis was lost");
    while (client->box.waiting && client->fatal.code == LEAT_OK)
        ev_run(client->loop, EVRUN_ONCE);
    if (client->box.waiting)
        return err_set(err, client->fatal.code, "%s", client->fatal.text);
    if (client->box.code != LEAT_OK)
        return err_set(err, client->box.code, "Redis: %s", client->box.text);
    *reply = client->reply;
    return LEAT_OK;
}
