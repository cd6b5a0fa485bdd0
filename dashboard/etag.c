/* SPDX-License-Identifier: MIT */
#include "dashboard/etag.h"

#include <string.h>

static const char *strong(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

/* Of the tag that `at` begins with: a comma inside quotes belongs to it. */
static size_t tag_len(const char *at)
{
    const char *quote = at[0] == '"' ? strchr(at + 1, '"') : NULL;
    return quote != NULL ? (size_t)(quote - at) + 1 : strcspn(at, ", \t");
}

int etag_is_listed(const char *list, const char *etag)
{
    const char *wanted = strong(etag);
    size_t wanted_len = strlen(wanted);
    list += strspn(list, ", \t");
    if (strcmp(list, "*") == 0)
        return 1;
    while (*list != '\0') {
        list = strong(list);
        size_t len = tag_len(list);
        if (len == wanted_len && memcmp(list, wanted, len) == 0)
            return 1;
        list += len;
        list += strspn(list, ", \t");
    }
    return 0;
}
