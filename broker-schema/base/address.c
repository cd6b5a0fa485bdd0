/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define UNIX_PREFIX "unix:"
#define LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* ---- hosts ------------------------------------------------------------------------- */

static int read_v6(struct in6_addr *out, const char *name)
{
    char inner[ADDRESS_HOST_MAX + 1];
    size_t len = strlen(name);
    if (len < 2 || len > ADDRESS_HOST_MAX || name[0] != '[' || name[len - 1] != ']')
        return -1;
    snprintf(inner, sizeof inner, "%.*s", (int)len - 2, name + 1);
    return inet_pton(AF_INET6, inner, out) == 1 ? 0 : -1;
}

int address_is_numeric(const char *name)
{
    struct in6_addr v6;
    struct in_addr v4;
    return inet_pton(AF_INET, name, &v4) == 1 || read_v6(&v6, name) == 0;
}

int address_is_host(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > ADDRESS_HOST_MAX)
        return 0;
    return strspn(name, LETTERS "0123456789.-_") == len || address_is_numeric(name);
}

/* ---- where to listen --------------------------------------------------------------- */

/* Split "HOST:PORT" at its last colon. Returns the length of the host, or -1. */
static int split(const char *text, in_port_t *port)
{
    const char *colon = strrchr(text, ':');
    int64_t number;
    if (colon == NULL || text_to_int(bytes_of(colon + 1), &number) != 0 || number < 0 ||
        number > 65535)
        return -1;
    *port = htons((in_port_t)number);
    return (int)(colon - text);
}

static socklen_t read_tcp(union address *out, const char *text)
{
    char host[64];
    in_port_t port;
    int len = split(text, &port);
    if (len <= 0 || len >= (int)sizeof host)
        return 0;
    snprintf(host, sizeof host, "%.*s", len, text);
    if (host[0] == '[') {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        return read_v6(&out->v6.sin6_addr, host) == 0 ? sizeof out->v6 : 0;
    }
    const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return inet_pton(AF_INET, numeric, &out->v4.sin_addr) == 1 ? sizeof out->v4 : 0;
}

static socklen_t read_unix(union address *out, const char *path)
{
    if (path[0] == '\0' || strlen(path) >= sizeof out->local.sun_path)
        return 0;
    out->local = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->local.sun_path, path, strlen(path));
    return sizeof out->local;
}

int address_read(union address *out, socklen_t *len, const char *text, struct err *err)
{
    union address read = {0};
    size_t prefix = strlen(UNIX_PREFIX);
    socklen_t read_len = strncmp(text, UNIX_PREFIX, prefix) == 0
                             ? read_unix(&read, text + prefix)
                             : read_tcp(&read, text);
    if (read_len == 0)
        return err_set(err, LEAT_EUSAGE,
                       "cannot listen on '%s': write HOST:PORT with a numeric host or "
                       "localhost, [IPV6]:PORT, or unix:PATH",
                       text);
    *out = read;
    *len = read_len;
    return LEAT_OK;
}
