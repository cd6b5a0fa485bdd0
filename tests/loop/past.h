/* SPDX-License-Identifier: MIT */
/* Calls past the wire. They are the test's own: one that fails is no finding, and
 * aborts. */
#ifndef LEAT_TESTS_LOOP_PAST_H
#define LEAT_TESTS_LOOP_PAST_H

#include "broker/client.h"

/* Connect. */
void past_open(struct client *client, const char *url);

/* Send client->cmd and wait, far longer than a program of the product would: many of them
 * share this Redis. The reply is borrowed until the next call. */
const struct redisReply *past_call(struct client *client);

/* Put a plain command together, and send it. */
#define PAST(client, ...) (cmd_set(&(client)->cmd, __VA_ARGS__, NULL), past_call(client))

#endif
