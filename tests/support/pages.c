/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_BYTES_MIN = 200, BODY_BYTES_MAX = 40000, DAY_S = 86400 };

static const time_t first_day_s = 1431820800; /* 17 May 2015 */

/* FNV-1a: all that looks random about a page comes from its path and the seed. */
static uint64_t hash_of(const char *text, int64_t seed)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)seed;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static void body_fill(struct buf *body, const char *path, uint64_t hash)
{
    static const char *const words[] = {"mill ", "leat ",  "weir ",  "sluice ",
                                        "race ", "wheel ", "stone ", "pond\n"};
    size_t size = BODY_BYTES_MIN + hash % (BODY_BYTES_MAX - BODY_BYTES_MIN);
    buf_addf(body, "%.100s\n", path);
    while (body->len < size) {
        hash = hash * 6364136223846793005u + 1;
        buf_adds(body, words[hash >> 61]);
    }
}

static void page_init(struct page *page, const char *path, int64_t seed)
{
    uint64_t hash = hash_of(path, seed);
    time_t modified_s = first_day_s + (time_t)(hash % DAY_S);
    *page = (struct page){.path = xstrdup(path)};
    body_fill(&page->body, path, hash);
    snprintf(page->etag, sizeof page->etag, "\"%016llx\"", (unsigned long long)hash);
    strftime(page->modified, sizeof page->modified, "%a, %d %b %Y %H:%M:%S GMT",
             gmtime(&modified_s));
}

int pages_load(struct pages *pages, const char *file, int64_t seed)
{
    FILE *list = fopen(file, "r");
    char *line = NULL;
    size_t size = 0;
    if (list == NULL)
        return -1;
    while (getline(&line, &size, list) > 0) {
        line[strcspn(line, "\n")] = '\0';
        pages->at = xrealloc(pages->at, (pages->count + 1) * sizeof *pages->at);
        page_init(&pages->at[pages->count++], line, seed);
    }
    free(line);
    fclose(list);
    return 0;
}

static int body_write(const struct buf *body, const char *name)
{
    FILE *file = fopen(name, "w");
    if (file == NULL)
        return -1;
    size_t written = fwrite(body->data, 1, body->len, file);
    return fclose(file) == 0 && written == body->len ? 0 : -1;
}

int pages_write(const struct pages *pages, const char *dir)
{
    struct buf name = {0};
    int failed = 0;
    for (size_t i = 0; i < pages->count && !failed; i++) {
        buf_reset(&name);
        buf_addf(&name, "%s/%zu", dir, i + 1);
        failed = body_write(&pages->at[i].body, buf_text(&name));
    }
    buf_fini(&name);
    return failed;
}

const struct page *pages_find(const struct pages *pages, const char *path)
{
    for (size_t i = 0; i < pages->count; i++)
        if (strcmp(pages->at[i].path, path) == 0)
            return &pages->at[i];
    return NULL;
}
