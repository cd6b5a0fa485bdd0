/* SPDX-License-Identifier: MIT */
/* A link for programs that ask and wait: the commands of `leat`. It runs the event loop
 * until the answer is there. */
#ifndef LEAT_BROKER_CLIENT_H
#define LEAT_BROKER_CLIENT_H

#include "broker/link.h"

struct client {
    struct ev_loop *loop;
    struct redis_url url; /* for a link of the caller's own */
    struct link *link;
    struct cmd cmd;           /* for the caller to put commands together in */
    struct redisReply *reply; /* of the last client_call() */
    struct err fatal;
    char shown[400]; /* where it is, for messages */
    struct answer_box {
        int waiting, code;
        char text[400];
    } box;
};

/* Connect and greet. `give_up_ms`: how long to try to come back after a loss later.
 * Errors: those of redis_url_choose(); LEAT_ELINK, LEAT_EDENIED, LEAT_ECONFIG. After an
 * error client_close() is still right. */
int client_open(struct client *client, const char *given_url, int64_t give_up_ms,
                struct err *err);

/* Where it is, without the password; and why the connection was last lost or not made.
 * Both until client_close(). */
const char *client_shown(const struct client *client);
const char *client_why(const struct client *client);

/* Close; accepts a zeroed client. */
void client_close(struct client *client);

/* Send `client->cmd` and wait for its answer, which is borrowed until the next call.
 * Errors: what Redis or the link said, as a sentence. */
int client_call(struct client *client, const struct redisReply **reply, struct err *err);

/* Turn the loop until `*done` is not zero.
 * Errors: LEAT_ELINK and the like when the link died first. */
int client_wait(struct client *client, const int *done, struct err *err);

#endif
