/* SPDX-License-Identifier: MIT */
/* The greatest few of many: kept while the many go by, in order, greatest first, equal
 * ones by name. */
#ifndef LEAT_BASE_TOP_H
#define LEAT_BASE_TOP_H

#include "base/mem.h"

#include <stdint.h>

struct top_item {
    int64_t value;
    struct bytes name, text;
};

struct top {
    size_t wanted; /* set by the caller; how many are kept at most */
    struct top_item *at;
    size_t count;
};

/* Look at one more. Of two with the same name the later one counts. Copies name and
 * text. */
void top_offer(struct top *top, struct bytes name, int64_t value, struct bytes text);

/* Forget all, and free; it can be used again. A zeroed top is fine. */
void top_fini(struct top *top);

#endif
