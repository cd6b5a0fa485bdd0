/* SPDX-License-Identifier: MIT */
/* The files of the web page, as cmake/EmbedFiles.cmake put them into the program. */
#ifndef LEAT_DASHBOARD_PAGE_H
#define LEAT_DASHBOARD_PAGE_H

#include "base/mem.h"

struct page_file {
    const char *name;
    const char *type;
    const char *etag; /* with its quotes */
    struct bytes body;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
