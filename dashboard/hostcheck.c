/* SPDX-License-Identifier: MIT */
#include "dashboard/hostcheck.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES_MAX = 255 };

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

static int port_passes(const struct hostcheck *check, struct bytes rest)
{
    if (rest.len == 0)
        return 1;
    int64_t port;
    if (rest.at[0] != ':' ||
        text_to_int((struct bytes){rest.at + 1, rest.len - 1}, &port) != 0)
        return 0;
    return port > 0 && port < 65536 && (check->port == 0 || check->port == port);
}

/* DNS cannot rebind what is no name. */
static int is_address(char *name)
{
    struct in6_addr address;
    size_t len = strlen(name);
    if (name[0] != '[')
        return inet_pton(AF_INET, name, &address) == 1;
    if (name[len - 1] != ']')
        return 0;
    name[len - 1] = '\0';
    return inet_pton(AF_INET6, name + 1, &address) == 1;
}

static int name_passes(const struct hostcheck *check, struct bytes host)
{
    const char *ours[] = {"localhost", "127.0.0.1", "[::1]", check->own};
    char name[HOST_BYTES_MAX + 1];
    memcpy(name, host.at, host.len);
    name[host.len] = '\0';
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i] != NULL && strcasecmp(name, ours[i]) == 0)
            return 1;
    return check->any_address && is_address(name);
}

int hostcheck_passes(const struct hostcheck *check, const char *host)
{
    struct bytes all = {host, trimmed_len(host)};
    if (all.len == 0 || all.len > HOST_BYTES_MAX)
        return 0;
    size_t len = name_len(all);
    return name_passes(check, (struct bytes){all.at, len}) &&
           port_passes(check, (struct bytes){all.at + len, all.len - len});
}
