/* SPDX-License-Identifier: MIT */
#include "broker/info.h"

#include <stdio.h>
#include <string.h>

/* The first line of `text`, without its end, which is stepped over. */
static struct bytes take_line(struct bytes *text)
{
    const char *newline = memchr(text->at, '\n', text->len);
    size_t len = newline != NULL ? (size_t)(newline - text->at) : text->len;
    struct bytes line = {text->at, len};
    size_t used = len + (newline != NULL);
    text->at += used;
    text->len -= used;
    if (len > 0 && line.at[len - 1] == '\r')
        line.len--;
    return line;
}

void info_value(struct bytes info, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    out[0] = '\0';
    while (info.len > 0) {
        struct bytes line = take_line(&info);
        if (line.len <= len || line.at[len] != ':' || memcmp(line.at, name, len) != 0)
            continue;
        snprintf(out, size, "%.*s", (int)(line.len - len - 1), line.at + len + 1);
        return;
    }
}
