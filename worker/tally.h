/* SPDX-License-Identifier: MIT */
/* Sums per counter over one lease: a thousand increments of the same counter become one
 * HINCRBY. Names are borrowed for as long as the tally is used. */
#ifndef LEAT_WORKER_TALLY_H
#define LEAT_WORKER_TALLY_H

#include "base/mem.h"
#include "schema/limits.h"

#include <stdint.h>

struct tally_row {
    struct bytes name;
    int64_t sum;
};

enum { TALLY_SLOTS = 2048 }; /* a power of two, above twice LIMIT_LEASE_JOBS */

struct tally {
    int count;
    struct tally_row row[LIMIT_LEASE_JOBS];
    uint16_t slot[TALLY_SLOTS]; /* row + 1, or 0 */
};

/* Empty it. */
void tally_reset(struct tally *tally);

/* Add to a counter's sum. At most LIMIT_LEASE_JOBS calls between resets, so that neither
 * the table nor an int64 can overflow. */
void tally_add(struct tally *tally, struct bytes name, int64_t by);

/* The counter's row, or NULL. */
const struct tally_row *tally_find(const struct tally *tally, struct bytes name);

#endif
