/* SPDX-License-Identifier: MIT */
#include "schema/queue.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

int queue_allows(unsigned char c)
{
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static int is_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!queue_allows((unsigned char)name[i]))
            return 0;
    return len > 0 && len <= LIMIT_QUEUE_NAME_BYTES;
}

int queue_init(struct queue *queue, const char *name, struct err *err)
{
    if (!is_name(name))
        return err_set(err, LEAT_EUSAGE,
                       "queue name '%.80s' is not allowed: 1 to %d of A-Z a-z 0-9 . _ -",
                       name, LIMIT_QUEUE_NAME_BYTES);
    snprintf(queue->name, sizeof queue->name, "%s", name);
    snprintf(queue->list, sizeof queue->list, "leat:%s", name);
    snprintf(queue->prefix, sizeof queue->prefix, "{leat:%s}:", name);
#define X(member, suffix)                                                                \
    snprintf(queue->member, sizeof queue->member, "{leat:%s}" suffix, name);
    QUEUE_KEYS(X)
#undef X
    return LEAT_OK;
}

/* A key whose end is anybody's bytes. */
static struct bytes free_key(const struct queue *queue, const char *word,
                             struct bytes end, struct arena *arena)
{
    struct buf key = {0};
    buf_adds(&key, queue->prefix);
    buf_adds(&key, word);
    buf_add(&key, end.at, end.len);
    struct bytes kept = {arena_dup(arena, buf_bytes(&key)), key.len};
    buf_fini(&key);
    return kept;
}

struct bytes queue_cache_key(const struct queue *queue, struct bytes key,
                             struct arena *arena)
{
    return free_key(queue, "cache:", key, arena);
}

struct bytes queue_record_key(const struct queue *queue, struct bytes id,
                              struct arena *arena)
{
    return free_key(queue, "t:", id, arena);
}

const char *queue_producer_key(const struct queue *queue, const char *producer,
                               struct arena *arena)
{
    return arena_printf(arena, "%sp:%s", queue->prefix, producer);
}

const char *queue_answer_key(const struct queue *queue, const char *nonce,
                             struct arena *arena)
{
    return arena_printf(arena, "%sre:%s", queue->prefix, nonce);
}
