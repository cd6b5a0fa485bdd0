/* SPDX-License-Identifier: MIT */
#include "base/top.h"

#include <stdlib.h>
#include <string.h>

/* Name and text share one piece of memory, which begins with the name. */
static struct top_item item_new(struct bytes name, int64_t value, struct bytes text)
{
    char *memory = xmalloc(name.len + text.len + 1);
    if (name.len > 0)
        memcpy(memory, name.at, name.len);
    if (text.len > 0)
        memcpy(memory + name.len, text.at, text.len);
    return (struct top_item){value, {memory, name.len}, {memory + name.len, text.len}};
}

static void item_free(struct top_item *item)
{
    free((void *)(uintptr_t)item->name.at);
}

static int is_before(int64_t value, struct bytes name, const struct top_item *other)
{
    if (value != other->value)
        return value > other->value;
    struct bytes b = other->name;
    int order = memcmp(name.at, b.at, name.len < b.len ? name.len : b.len);
    return order != 0 ? order < 0 : name.len < b.len;
}

static void forget(struct top *top, struct bytes name)
{
    for (size_t i = 0; i < top->count; i++) {
        if (!bytes_equal(top->at[i].name, name))
            continue;
        item_free(&top->at[i]);
        top->count--;
        memmove(&top->at[i], &top->at[i + 1], (top->count - i) * sizeof *top->at);
        return;
    }
}

void top_offer(struct top *top, struct bytes name, int64_t value, struct bytes text)
{
    if (top->count == top->wanted &&
        (top->wanted == 0 || !is_before(value, name, &top->at[top->count - 1])))
        return;
    if (top->at == NULL)
        top->at = xcalloc(top->wanted, sizeof *top->at);
    forget(top, name);
    if (top->count == top->wanted)
        item_free(&top->at[--top->count]);
    size_t i = top->count++;
    for (; i > 0 && is_before(value, name, &top->at[i - 1]); i--)
        top->at[i] = top->at[i - 1];
    top->at[i] = item_new(name, value, text);
}

void top_fini(struct top *top)
{
    for (size_t i = 0; i < top->count; i++)
        item_free(&top->at[i]);
    free(top->at);
    *top = (struct top){.wanted = top->wanted};
}
