/* SPDX-License-Identifier: MIT */
/* The oracle's book: names (of counters, or whole payloads), how often each was wanted
 * and how often it was found. Names are told apart by 64 bits of digest. */
#ifndef LEAT_TESTS_CHAOS_BOOK_H
#define LEAT_TESTS_CHAOS_BOOK_H

#include "base/mem.h"

#include <stdint.h>

struct book_line {
    uint64_t digest;  /* 0: free */
    const char *name; /* a copy of its first bytes, for people */
    int kind;         /* the caller's */
    int64_t wanted, found;
};

struct book {
    struct book_line *lines;
    size_t size, count;
    struct arena names;
};

/* Free; a zeroed book is an empty one. */
void book_fini(struct book *book);

/* The line of a name, made if there is none; valid until the next call. */
struct book_line *book_at(struct book *book, struct bytes name);

/* The line of a name, or NULL. */
struct book_line *book_find(const struct book *book, struct bytes name);

#endif
