/* SPDX-License-Identifier: MIT */
#include "broker/reader.h"
#include "schema/limits.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

struct reader {
    redisReader *parser;
    redisReplyObjectFunctions make; /* the parser's own, but for arrays */
    void *(*make_array)(const redisReadTask *, item_count);
    size_t bytes; /* taken in since the last reply was whole */
    size_t items; /* of the reply being read, as far as announced */
    enum reader_end end;
};

/* An array is allocated when its length was read, long before its items are there. */
static void *make_array(const redisReadTask *task, item_count count)
{
    struct reader *reader = task->privdata;
    if ((size_t)count > LIMIT_REPLY_ITEMS - reader->items) {
        reader->end = READER_TOO_LARGE;
        return NULL;
    }
    reader->items += (size_t)count;
    return reader->make_array(task, count);
}

struct reader *reader_new(void)
{
    struct reader *reader = xcalloc(1, sizeof *reader);
    reader->parser = redisReaderCreate();
    if (reader->parser == NULL)
        abort(); /* out of memory: the only way it fails */
    reader->make = *reader->parser->fn;
    reader->make_array = reader->make.createArray;
    reader->make.createArray = make_array;
    reader->parser->fn = &reader->make;
    reader->parser->privdata = reader;
    return reader;
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    redisReaderFree(reader->parser);
    free(reader);
}

enum reader_end reader_feed(struct reader *reader, struct bytes piece)
{
    if (reader->end == READER_OK && piece.len > LIMIT_REPLY_BYTES - reader->bytes)
        reader->end = READER_TOO_LARGE;
    if (reader->end != READER_OK)
        return reader->end;
    reader->bytes += piece.len;
    if (redisReaderFeed(reader->parser, piece.at, piece.len) != REDIS_OK)
        abort(); /* out of memory: the only way it fails */
    return READER_OK;
}

enum reader_end reader_next(struct reader *reader, struct redisReply **reply)
{
    void *whole = NULL;
    if (reader->end == READER_OK &&
        redisReaderGetReply(reader->parser, &whole) != REDIS_OK &&
        reader->end == READER_OK)
        reader->end = READER_BROKEN;
    if (reader->end != READER_OK)
        return reader->end;
    if (whole != NULL) {
        reader->bytes = reader->parser->len - reader->parser->pos;
        reader->items = 0;
    }
    *reply = whole;
    return READER_OK;
}
