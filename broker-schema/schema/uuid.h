/* SPDX-License-Identifier: MIT */
/* Job ids as our producers make them: UUID version 7 as text. Source: RFC 9562, section
 * 5.7, with a counter in the 12 bits after the version (method 1 of section 6.2), so that
 * ids made by one process sort in the order they were made. */
#ifndef LEAT_SCHEMA_UUID_H
#define LEAT_SCHEMA_UUID_H

#include "base/mem.h"

#include <stdint.h>

enum { UUID_CHARS = 36 };

/* What a process remembers between two ids; zeroed at the start. */
struct uuid_maker {
    int64_t at_ms;
    unsigned counter;
    unsigned char pool[512]; /* random bytes in stock: one system call serves many ids */
    unsigned pool_left;
};

/* Make the next id, 36 characters and a terminator. */
void uuid_make(struct uuid_maker *maker, int64_t now_ms, char out[UUID_CHARS + 1]);

/* The time inside a UUIDv7, or -1 when `id` is none. */
int64_t uuid_time_ms(struct bytes id);

#endif
