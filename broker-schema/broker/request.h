/* SPDX-License-Identifier: MIT */
/* One command on its way: its bytes as they go over the wire, kept until the answer is
 * there so that they can be sent again, and who waits for the answer. Queues of requests
 * own what they hold. */
#ifndef LEAT_BROKER_REQUEST_H
#define LEAT_BROKER_REQUEST_H

#include "broker/cmd.h"
#include "broker/link.h"

struct request {
    struct request *next;
    answer_fn fn;
    void *arg;
    const struct script *script; /* NULL once the text is sent instead of the digest */
    char *wire;
    size_t wire_len;
    unsigned flags;
    int64_t patience_ms;
};

struct request_queue {
    struct request *first, *last;
};

/* Encode a command. Owns: the caller, until a queue takes it. */
struct request *request_new(const struct cmd *cmd, unsigned flags, int64_t patience_ms,
                            answer_fn fn, void *arg);

/* Free; accepts NULL. */
void request_free(struct request *request);

/* Call back with a reply, which is freed then unless it was taken. */
void request_answer(const struct request *request, struct redisReply *reply);

/* Call back with an error, and free the request. */
void request_fail(struct request *request, int code, const char *text);

/* Make an EVALSHA request an EVAL of the same arguments. */
void request_use_text(struct request *request);

/* Append; takes the request. */
void request_queue_push(struct request_queue *queue, struct request *request);

/* Take the first, or NULL. */
struct request *request_queue_pop(struct request_queue *queue);

/* Move all of `from` behind `to`. */
void request_queue_splice(struct request_queue *to, struct request_queue *from);

/* Free all of them, unanswered. */
void request_queue_fini(struct request_queue *queue);

#endif
