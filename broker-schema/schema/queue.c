/* SPDX-License-Identifier: MIT */
#include "schema/queue.h"

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

struct bytes queue_cache_key(const struct queue *queue, struct bytes key,
                             struct arena *arena)
{
    size_t head = strlen(queue->prefix), word = strlen("cache:");
    char *at = arena_alloc(arena, head + word + key.len);
    memcpy(at, queue->prefix, head);
    memcpy(at + head, "cache:", word);
    if (key.len > 0)
        memcpy(at + head + word, key.at, key.len);
    return (struct bytes){at, head + word + key.len};
}

const char *queue_producer_key(const struct queue *queue, const char *producer,
                               struct arena *arena)
{
    return arena_printf(arena, "%sp:%s", queue->prefix, producer);
}
