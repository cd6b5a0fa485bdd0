/* SPDX-License-Identifier: MIT */
#include "worker/tally.h"

#include <assert.h>
#include <string.h>

/* Source: FNV-1a, 64 bits, folded. Whoever makes names collide slows down one lease. */
static unsigned hash_of(struct bytes name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(1099511628211);
    return (unsigned)(hash ^ hash >> 32);
}

void tally_reset(struct tally *tally)
{
    tally->count = 0;
    memset(tally->slot, 0, sizeof tally->slot);
}

/* Where the name is, or the free slot where it would be. */
static unsigned find(const struct tally *tally, struct bytes name)
{
    unsigned at = hash_of(name) % TALLY_SLOTS;
    while (tally->slot[at] != 0 &&
           !bytes_equal(tally->row[tally->slot[at] - 1].name, name))
        at = (at + 1) % TALLY_SLOTS;
    return at;
}

void tally_add(struct tally *tally, struct bytes name, int64_t by)
{
    unsigned at = find(tally, name);
    if (tally->slot[at] == 0) {
        assert(tally->count < LIMIT_LEASE_JOBS);
        tally->row[tally->count++] = (struct tally_row){.name = name};
        tally->slot[at] = (uint16_t)tally->count;
    }
    tally->row[tally->slot[at] - 1].sum += by;
}

const struct tally_row *tally_find(const struct tally *tally, struct bytes name)
{
    unsigned row = tally->slot[find(tally, name)];
    return row != 0 ? &tally->row[row - 1] : NULL;
}
