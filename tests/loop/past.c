/* SPDX-License-Identifier: MIT */
#include "past.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 60000 };

static _Noreturn void give_up(const char *text)
{
    fprintf(stderr, "past the wire: %s\n", text);
    abort();
}

void past_open(struct client *client, const char *url)
{
    struct err err = {0};
    if (client_open(client, url, -1, &err) != LEAT_OK)
        give_up(err.text);
}

static void on_answer(void *arg, struct answer *answer)
{
    struct client *client = arg;
    if (answer->code != LEAT_OK)
        give_up(answer->text);
    client->reply = answer_take(answer);
}

const struct redisReply *past_call(struct client *client)
{
    reply_free(client->reply);
    client->reply = NULL;
    if (link_send(client->link, &client->cmd, 0, PATIENCE_MS, on_answer, client) !=
        LEAT_OK)
        give_up("not connected");
    while (client->reply == NULL)
        ev_run(client->loop, EVRUN_ONCE);
    return client->reply;
}
