/* SPDX-License-Identifier: MIT */
/* The pages of the tests' origin server: a list of paths, each with a body, an ETag and a
 * date made from the path and a seed, so that every run gives the same bytes. */
#ifndef LEAT_TESTS_PAGES_H
#define LEAT_TESTS_PAGES_H

#include "base/buf.h"

struct page {
    char *path;        /* as it stands in the request line, query included */
    struct buf body;   /* text, 200 bytes to 40 KB */
    char etag[24];     /* with its quotes */
    char modified[40]; /* an HTTP date */
};

struct pages {
    struct page *at;
    size_t count;
};

/* Read a list of paths, one a line, and make their pages, which live as long as the
 * program. Returns 0, or -1 with errno set. */
int pages_load(struct pages *pages, const char *file, int64_t seed);

/* Write each body into `dir`, the n-th page's as the file `n`, counted from 1.
 * Returns 0, or -1 with errno set. */
int pages_write(const struct pages *pages, const char *dir);

/* The page at `path`, or NULL. Owns: `pages`. */
const struct page *pages_find(const struct pages *pages, const char *path);

#endif
