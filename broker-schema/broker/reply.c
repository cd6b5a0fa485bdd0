/* SPDX-License-Identifier: MIT */
#include "broker/reply.h"
#include "base/text.h"

#include <hiredis/hiredis.h>
#include <string.h>

int reply_is_int(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER;
}

int reply_is_bytes(const struct redisReply *reply)
{
    return reply != NULL &&
           (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
}

int reply_is_array(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

int reply_is_nil(const struct redisReply *reply)
{
    return reply == NULL || reply->type == REDIS_REPLY_NIL;
}

int64_t reply_int(const struct redisReply *reply, int64_t otherwise)
{
    int64_t number;
    if (reply_is_int(reply))
        return reply->integer;
    if (reply_is_bytes(reply) && text_to_int(reply_bytes(reply), &number) == 0)
        return number;
    return otherwise;
}

struct bytes reply_bytes(const struct redisReply *reply)
{
    if (!reply_is_bytes(reply))
        return (struct bytes){"", 0};
    return (struct bytes){reply->str, (size_t)reply->len};
}

size_t reply_count(const struct redisReply *reply)
{
    return reply_is_array(reply) ? reply->elements : 0;
}

const struct redisReply *reply_at(const struct redisReply *reply, size_t i)
{
    return i < reply_count(reply) ? reply->element[i] : NULL;
}

const struct redisReply *reply_field(const struct redisReply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2)
        if (bytes_is(reply_bytes(reply_at(reply, i)), name))
            return reply_at(reply, i + 1);
    return NULL;
}

void reply_free(struct redisReply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}

static const struct {
    const char *word;
    enum reply_class class;
    int code;
} classes[] = {
    {"NOSCRIPT", REPLY_NO_SCRIPT, LEAT_EBUSY}, {"LOADING", REPLY_RETRY, LEAT_EBUSY},
    {"BUSY", REPLY_RETRY, LEAT_EBUSY},         {"OOM", REPLY_NO_ROOM, LEAT_EBUSY},
    {"MISCONF", REPLY_RETRY, LEAT_EBUSY},      {"NOREPLICAS", REPLY_RETRY, LEAT_EBUSY},
    {"READONLY", REPLY_RETRY, LEAT_EBUSY},     {"MASTERDOWN", REPLY_RETRY, LEAT_EBUSY},
    {"CLUSTERDOWN", REPLY_RETRY, LEAT_EBUSY},  {"TRYAGAIN", REPLY_RETRY, LEAT_EBUSY},
    {"UNBLOCKED", REPLY_RETRY, LEAT_EBUSY},    {"FULL", REPLY_NO_ROOM, LEAT_EBUSY},
    {"MOVED", REPLY_REDIRECT, LEAT_ECONFIG},   {"ASK", REPLY_REDIRECT, LEAT_ECONFIG},
    {"CROSSSLOT", REPLY_FATAL, LEAT_ECONFIG},  {"NOAUTH", REPLY_FATAL, LEAT_EDENIED},
    {"WRONGPASS", REPLY_FATAL, LEAT_EDENIED},  {"NOPERM", REPLY_FATAL, LEAT_EDENIED},
    {"WRONGTYPE", REPLY_FATAL, LEAT_EFOREIGN}, {"GAP", REPLY_FATAL, LEAT_EGAP},
    {"DUPLEASE", REPLY_FATAL, LEAT_EBUG},      {"BADSETTLE", REPLY_FATAL, LEAT_EBUG},
};

/* Our scripts begin with a line that servers before 7.0 do not know. */
static int is_of_old_server(struct bytes error)
{
    return memmem(error.at, error.len, "compiling script", 16) != NULL;
}

const char *reply_error_text(const struct redisReply *reply)
{
    if (is_of_old_server((struct bytes){reply->str, (size_t)reply->len}))
        return "this server cannot run the scripts of leat, which needs 7.0 or later";
    return reply->str;
}

/* `ERR …` and words of other versions: a wrong password without a user is one of them,
 * and so is what a script may not do for its caller. */
static int is_denial(struct bytes error)
{
    static const char *const signs[] = {"AUTH", "password", "ACL failure",
                                        "can't run this command"};
    for (unsigned i = 0; i < sizeof signs / sizeof *signs; i++)
        if (memmem(error.at, error.len, signs[i], strlen(signs[i])) != NULL)
            return 1;
    return 0;
}

/* Said instead of any answer to a connection too many, which is then closed. */
static int is_of_full_server(struct bytes error)
{
    static const char sign[] = "ERR max number of clients";
    return error.len >= sizeof sign - 1 && memcmp(error.at, sign, sizeof sign - 1) == 0;
}

enum reply_class reply_classify(struct bytes error, int *code)
{
    for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t len = strlen(classes[i].word);
        if (error.len < len || memcmp(error.at, classes[i].word, len) != 0 ||
            (error.len > len && error.at[len] != ' '))
            continue;
        *code = classes[i].code;
        return classes[i].class;
    }
    if (is_of_full_server(error)) {
        *code = LEAT_EBUSY;
        return REPLY_RETRY;
    }
    *code = is_denial(error)          ? LEAT_EDENIED
            : is_of_old_server(error) ? LEAT_ECONFIG
                                      : LEAT_EBUG;
    return REPLY_FATAL;
}
