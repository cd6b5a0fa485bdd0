/* SPDX-License-Identifier: MIT */
/* From the bytes of a connection to replies: hiredis' parser, with a limit in front of
 * all that it would keep in memory. Who answers on the port that an address names need
 * not be Redis. */
#ifndef LEAT_BROKER_READER_H
#define LEAT_BROKER_READER_H

#include "base/mem.h"

struct reader;
struct redisReply;

/* Owns: the caller frees with reader_free(). */
struct reader *reader_new(void);

/* Free; accepts NULL. */
void reader_free(struct reader *reader);

enum reader_end {
    READER_OK,
    READER_TOO_LARGE, /* a reply beyond LIMIT_REPLY_BYTES or LIMIT_REPLY_ITEMS */
    READER_BROKEN,    /* no RESP */
};

/* Take bytes in. Anything but READER_OK is final: nothing more is read. */
enum reader_end reader_feed(struct reader *reader, struct bytes piece);

/* Take the next reply out, or NULL when it is not whole yet. Owns: the caller,
 * reply_free(). Anything but READER_OK is final. */
enum reader_end reader_next(struct reader *reader, struct redisReply **reply);

#endif
