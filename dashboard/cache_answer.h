/* SPDX-License-Identifier: MIT */
/* A kept copy as an HTTP answer. */
#ifndef LEAT_DASHBOARD_CACHE_ANSWER_H
#define LEAT_DASHBOARD_CACHE_ANSWER_H

#include "broker/reply.h"
#include "dashboard/http.h"

/* Answer with the copy of a reply of READ, or 304 if the client has it already. */
void cache_answer(struct http_request *request, const struct redisReply *reply);

#endif
