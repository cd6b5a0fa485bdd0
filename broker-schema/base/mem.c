/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1 /* as GCC says it */
#endif
#endif

/* With the address sanitizer, what an arena has not handed out may not be touched, and
 * behind each piece stays a gap. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { GAP_BYTES = _Alignof(max_align_t) };
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
enum { GAP_BYTES = 0 };
#endif

enum { CHUNK_BYTES = 4096 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t used;
    size_t size;
    max_align_t data[];
};

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("leat: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1));
}

char *xstrndup(const char *text, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

struct bytes bytes_of(const char *text)
{
    return (struct bytes){text, strlen(text)};
}

int bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of(text));
}

static struct arena_chunk *chunk_new(size_t size, struct arena_chunk *older)
{
    struct arena_chunk *chunk = xmalloc(sizeof *chunk + size);
    *chunk = (struct arena_chunk){.older = older, .size = size};
    ASAN_POISON_MEMORY_REGION(chunk->data, size);
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size_t room = (size + align - 1) / align * align + GAP_BYTES;
    if (arena->chunk == NULL || arena->chunk->size - arena->chunk->used < room)
        arena->chunk = chunk_new(room > CHUNK_BYTES ? room : CHUNK_BYTES, arena->chunk);
    void *memory = (char *)arena->chunk->data + arena->chunk->used;
    arena->chunk->used += room;
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memory;
}

char *arena_dup(struct arena *arena, struct bytes bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

static void chunks_free(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void arena_fini(struct arena *arena)
{
    chunks_free(arena->chunk);
    arena->chunk = NULL;
}

void arena_reset(struct arena *arena)
{
    if (arena->chunk == NULL)
        return;
    chunks_free(arena->chunk->older);
    arena->chunk->older = NULL;
    arena->chunk->used = 0;
    ASAN_POISON_MEMORY_REGION(arena->chunk->data, arena->chunk->size);
}
