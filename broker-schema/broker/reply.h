/* SPDX-License-Identifier: MIT */
/* What Redis answered: a thin, read-only view of hiredis' replies, and the classes that
 * its errors fall into. */
#ifndef LEAT_BROKER_REPLY_H
#define LEAT_BROKER_REPLY_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>

struct redisReply;

/* Is it an integer, bytes (bulk or status), an array, nil? */
int reply_is_int(const struct redisReply *reply);
int reply_is_bytes(const struct redisReply *reply);
int reply_is_array(const struct redisReply *reply);
int reply_is_nil(const struct redisReply *reply);

/* An integer, also one that came as text; `otherwise` when it is none. */
int64_t reply_int(const struct redisReply *reply, int64_t otherwise);

/* Bytes of a bulk or status reply, borrowed; empty when it is neither. */
struct bytes reply_bytes(const struct redisReply *reply);

/* Elements of an array; 0 and NULL when it is none or shorter. */
size_t reply_count(const struct redisReply *reply);
const struct redisReply *reply_at(const struct redisReply *reply, size_t i);

/* The value behind `name` in a flat list of names and values, or NULL. */
const struct redisReply *reply_field(const struct redisReply *reply, const char *name);

/* Free a reply that was taken over. */
void reply_free(struct redisReply *reply);

enum reply_class {
    REPLY_GOOD,
    REPLY_NO_SCRIPT, /* send the text instead of the digest */
    REPLY_RETRY,     /* nothing ran; the same command may be sent again, later */
    REPLY_NO_ROOM,   /* nothing ran, for want of room; the sender knows what can wait */
    REPLY_REDIRECT,  /* another server has the keys */
    REPLY_FATAL,     /* trying again changes nothing */
};

/* What to tell people of an error reply: the words of Redis, or ours where those
 * mislead. */
const char *reply_error_text(const struct redisReply *reply);

/* Class of an error's text by its first word; `*code` gets the matching leat_code. */
enum reply_class reply_classify(struct bytes error, int *code);

#endif
