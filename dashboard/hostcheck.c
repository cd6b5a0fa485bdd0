/* SPDX-License-Identifier: MIT */
#include "dashboard/hostcheck.h"

#include "base/address.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

static size_t trimmed_len(const char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    return len;
}

/* Where the name ends: behind the bracket of an IPv6 address, else at the colon. */
static size_t name_len(struct bytes host)
{
    const char *end = memchr(host.at, host.at[0] == '[' ? ']' : ':', host.len);
    if (end == NULL)
        return host.len;
    return (size_t)(end - host.at) + (host.at[0] == '[');
}

/* `ours` 0: any will do. */
static int port_passes(int ours, struct bytes rest)
{
    if (rest.len == 0)
        return 1;
    int64_t port;
    if (rest.at[0] != ':' ||
        text_to_int((struct bytes){rest.at + 1, rest.len - 1}, &port) != 0)
        return 0;
    return port > 0 && port < 65536 && (ours == 0 || ours == port);
}

static int is_allowed(const struct hostcheck *check, const char *name)
{
    for (size_t i = 0; i < check->allowed_count; i++)
        if (strcasecmp(name, check->allowed[i]) == 0)
            return 1;
    return 0;
}

static int is_ours(const struct hostcheck *check, char *name)
{
    const char *ours[] = {"localhost", "127.0.0.1", "[::1]", check->own};
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i] != NULL && strcasecmp(name, ours[i]) == 0)
            return 1;
    return check->any_address && address_is_numeric(name); /* no name to rebind */
}

int hostcheck_passes(const struct hostcheck *check, const char *host)
{
    struct bytes all = {host, trimmed_len(host)};
    char name[ADDRESS_HOST_MAX + 1];
    if (all.len == 0 || all.len > ADDRESS_HOST_MAX)
        return 0;
    size_t len = name_len(all);
    struct bytes port = {all.at + len, all.len - len};
    memcpy(name, all.at, len);
    name[len] = '\0';
    if (is_allowed(check, name))
        return port_passes(0, port);
    return is_ours(check, name) && port_passes(check->port, port);
}
