/* SPDX-License-Identifier: MIT */
#include "book.h"

#include <stdlib.h>

enum { SHOWN_BYTES = 60 };

void book_fini(struct book *book)
{
    free(book->lines);
    arena_fini(&book->names);
    *book = (struct book){0};
}

/* Source: Fowler, Noll, Vo: FNV-1a, 64 bits. */
static uint64_t digest(struct bytes name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001b3);
    return hash != 0 ? hash : 1;
}

/* Where it stands, or would. The size is a power of two, and a third is always free. */
static size_t place_of(const struct book *book, uint64_t wanted)
{
    size_t at = wanted & (book->size - 1);
    while (book->lines[at].digest != 0 && book->lines[at].digest != wanted)
        at = (at + 1) & (book->size - 1);
    return at;
}

static void grow(struct book *book)
{
    struct book old = *book;
    book->size = old.size > 0 ? 2 * old.size : 1024;
    book->lines = xcalloc(book->size, sizeof *book->lines);
    for (size_t i = 0; i < old.size; i++)
        if (old.lines[i].digest != 0)
            book->lines[place_of(book, old.lines[i].digest)] = old.lines[i];
    free(old.lines);
}

struct book_line *book_at(struct book *book, struct bytes name)
{
    uint64_t wanted = digest(name);
    if (3 * (book->count + 1) > 2 * book->size)
        grow(book);
    struct book_line *line = &book->lines[place_of(book, wanted)];
    if (line->digest == 0) {
        size_t shown = name.len < SHOWN_BYTES ? name.len : SHOWN_BYTES;
        line->digest = wanted;
        line->name = arena_dup(&book->names, (struct bytes){name.at, shown});
        book->count++;
    }
    return line;
}

struct book_line *book_find(const struct book *book, struct bytes name)
{
    if (book->size == 0)
        return NULL;
    struct book_line *line = &book->lines[place_of(book, digest(name))];
    return line->digest != 0 ? line : NULL;
}
