/* SPDX-License-Identifier: MIT */
#include "dashboard/page.h"
#include "dashboard/handlers.h"

#include <string.h>

static const struct page_file *page_find(const char *name)
{
    for (size_t i = 0; i < page_file_count; i++)
        if (strcmp(page_files[i].name, name) == 0)
            return &page_files[i];
    return NULL;
}

/* Asked for anew each time, so that a new dashboard never meets the old one's script. */
static void answer_file(struct http_request *request, const char *name)
{
    const struct page_file *file = page_find(name);
    const char *known = http_header(request, "If-None-Match");
    if (file == NULL) {
        http_problem(request, 404, "Not found", "The page has no such file.");
        return;
    }
    http_add_header(request, "ETag", file->etag);
    http_add_header(request, "Cache-Control", "no-cache");
    if (known != NULL && strstr(known, file->etag) != NULL)
        http_answer(request, 304, NULL, (struct bytes){0});
    else
        http_answer(request, 200, file->type, file->body);
}

void get_page(struct http_request *request, void *arg)
{
    (void)arg;
    http_add_header(request, "Vary", "Accept");
    answer_file(request, "index.html");
}

void get_page_style(struct http_request *request, void *arg)
{
    (void)arg;
    answer_file(request, "page.css");
}

void get_page_script(struct http_request *request, void *arg)
{
    (void)arg;
    answer_file(request, "page.js");
}

void get_page_module(struct http_request *request, void *arg)
{
    (void)arg;
    answer_file(request, http_rest(request));
}
