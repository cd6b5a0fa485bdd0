/* SPDX-License-Identifier: MIT */
/* Memory. Allocation never fails: a program that runs out of memory aborts, so callers
 * check sizes that come from outside against a limit before they ask. An arena owns
 * everything that lives and dies together, so that such things need no clean-up code. */
#ifndef LEAT_BASE_MEM_H
#define LEAT_BASE_MEM_H

#include <stddef.h>

/* A borrowed piece of memory; not terminated. */
struct bytes {
    const char *at;
    size_t len;
};

/* malloc, calloc, realloc that abort when memory runs out. Owns: the caller frees. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);

/* Copy `len` bytes and terminate the copy. Owns: the caller frees. */
char *xstrndup(const char *text, size_t len);

/* Copy a terminated string. Owns: the caller frees. */
char *xstrdup(const char *text);

/* View a terminated string as bytes. */
struct bytes bytes_of(const char *text);

/* Do two pieces hold the same bytes? */
int bytes_equal(struct bytes a, struct bytes b);

/* Does a piece hold exactly this terminated string? */
int bytes_is(struct bytes a, const char *text);

struct arena {
    struct arena_chunk *chunk; /* the newest; older ones hang behind it */
};

/* Allocate from the arena, aligned for any type. Owns: the arena. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copy bytes into the arena and terminate the copy. Owns: the arena. */
char *arena_dup(struct arena *arena, struct bytes bytes);

/* Format into the arena. Owns: the arena. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Free all that came from the arena; it can be used again. A zeroed arena is an empty
 * one. */
void arena_fini(struct arena *arena);

/* Forget all that came from the arena but keep its newest chunk for the next use. */
void arena_reset(struct arena *arena);

#endif
