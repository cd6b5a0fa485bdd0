/* SPDX-License-Identifier: MIT */
#include "broker/redis_url.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copy `text` percent-decoded; -1 when it is broken, empty of room, or holds a NUL. */
static int take_decoded(char *out, size_t size, struct bytes text)
{
    struct buf decoded = {0};
    int ok = text_percent_decode(&decoded, text) == 0 && decoded.len < size &&
             strlen(buf_text(&decoded)) == decoded.len;
    if (ok)
        memcpy(out, buf_text(&decoded), decoded.len + 1);
    buf_fini(&decoded);
    return ok ? 0 : -1;
}

/* Split off `user:password@`. A socket's path may hold a `@` of its own. */
static int take_userinfo(struct redis_url *url, struct bytes *rest)
{
    const char *at = memrchr(rest->at, '@', rest->len);
    if (at == NULL || rest->at[0] == '/')
        return 0;
    struct bytes info = {rest->at, (size_t)(at - rest->at)};
    const char *colon = memchr(info.at, ':', info.len);
    struct bytes user = {info.at, colon != NULL ? (size_t)(colon - info.at) : info.len};
    struct bytes password = {info.at + info.len, 0};
    if (colon != NULL)
        password = (struct bytes){colon + 1, info.len - user.len - 1};
    rest->len -= (size_t)(at + 1 - rest->at);
    rest->at = at + 1;
    return take_decoded(url->user, sizeof url->user, user) == 0 &&
                   take_decoded(url->password, sizeof url->password, password) == 0
               ? 0
               : -1;
}

static int take_db(struct redis_url *url, struct bytes text)
{
    int64_t db;
    if (text_to_int(text, &db) != 0 || db < 0 || db > 1000000)
        return -1;
    url->db = (int)db;
    return 0;
}

static int take_port(struct redis_url *url, struct bytes text)
{
    int64_t port;
    if (text_to_int(text, &port) != 0 || port < 1 || port > 65535)
        return -1;
    url->port = (int)port;
    return 0;
}

/* Read `host`, `host:port`, `[address]` or `[address]:port`. */
static int take_host(struct redis_url *url, struct bytes where)
{
    const char *end = where.at + where.len;
    const char *colon = memrchr(where.at, ':', where.len);
    struct bytes host = {where.at, (size_t)((colon != NULL ? colon : end) - where.at)};
    if (where.len > 0 && where.at[0] == '[') {
        const char *close = memchr(where.at, ']', where.len);
        if (close == NULL || (close + 1 != end && close[1] != ':'))
            return -1;
        colon = close + 1 != end ? close + 1 : NULL;
        host = (struct bytes){where.at + 1, (size_t)(close - where.at) - 1};
    }
    url->port = 6379;
    if (colon != NULL &&
        take_port(url, (struct bytes){colon + 1, (size_t)(end - colon) - 1}) != 0)
        return -1;
    return host.len == 0 ? -1 : take_decoded(url->host, sizeof url->host, host);
}

static int parse_tcp(struct redis_url *url, struct bytes rest)
{
    const char *slash = memchr(rest.at, '/', rest.len);
    struct bytes where = {rest.at, slash != NULL ? (size_t)(slash - rest.at) : rest.len};
    if (slash != NULL && where.len + 1 < rest.len &&
        take_db(url, (struct bytes){slash + 1, rest.len - where.len - 1}) != 0)
        return -1;
    return take_userinfo(url, &where) == 0 ? take_host(url, where) : -1;
}

static int parse_unix(struct redis_url *url, struct bytes rest)
{
    const char *query = memchr(rest.at, '?', rest.len);
    if (query != NULL && strncmp(query, "?db=", 4) != 0)
        return -1; /* not part of the path: it may be a password */
    if (query != NULL) {
        size_t head = (size_t)(query - rest.at);
        if (take_db(url, (struct bytes){query + 4, rest.len - head - 4}) != 0)
            return -1;
        rest.len = head;
    }
    if (take_userinfo(url, &rest) != 0 || rest.len == 0 || rest.at[0] != '/')
        return -1;
    return take_decoded(url->path, sizeof url->path, rest);
}

static void show(struct redis_url *url)
{
    if (url->host[0] == '\0')
        snprintf(url->shown, sizeof url->shown, "unix:%s", url->path);
    else if (strchr(url->host, ':') != NULL)
        snprintf(url->shown, sizeof url->shown, "redis://[%s]:%d/%d", url->host,
                 url->port, url->db);
    else
        snprintf(url->shown, sizeof url->shown, "redis://%s:%d/%d", url->host, url->port,
                 url->db);
}

int redis_url_parse(struct redis_url *url, const char *text, struct err *err)
{
    static const struct {
        const char *scheme;
        int (*parse)(struct redis_url *, struct bytes);
    } schemes[] = {
        {"redis://", parse_tcp}, {"unix://", parse_unix}, {"unix:", parse_unix}};
    struct redis_url read = {0};
    for (unsigned i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, len) != 0)
            continue;
        if (schemes[i].parse(&read, bytes_of(text + len)) != 0)
            break;
        show(&read);
        *url = read;
        return LEAT_OK;
    }
    if (strncmp(text, "rediss:", 7) == 0)
        return err_set(err, LEAT_EUSAGE,
                       "leat speaks no TLS: reach Redis over a tunnel on this machine "
                       "(stunnel, say), and give the tunnel's redis:// address");
    return err_set(err, LEAT_EUSAGE,
                   "the Redis address is not understood: use "
                   "redis://[user:password@]host:port/db or unix:///path/to/socket "
                   "(at most %zu bytes)",
                   sizeof read.path - 1);
}

int redis_url_find_password(struct redis_url *url, struct err *err)
{
    const char *path = getenv("LEAT_REDIS_PASSWORD_FILE");
    if (path == NULL || url->password[0] != '\0')
        return LEAT_OK;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, LEAT_ECONFIG, "LEAT_REDIS_PASSWORD_FILE: cannot read %s: %s",
                       path, strerror(errno));
    size_t len = fread(url->password, 1, sizeof url->password, file);
    fclose(file);
    while (len > 0 && (url->password[len - 1] == '\n' || url->password[len - 1] == '\r'))
        len--;
    int fits = len > 0 && len < sizeof url->password;
    url->password[fits ? len : 0] = '\0';
    return fits ? LEAT_OK
                : err_set(
                      err, LEAT_ECONFIG,
                      "LEAT_REDIS_PASSWORD_FILE: in %s is no password of 1 to %zu bytes",
                      path, sizeof url->password - 1);
}

int redis_url_choose(struct redis_url *url, const char *given, struct err *err)
{
    static const char *const variables[] = {"LEAT_REDIS", "REDIS_URL"};
    struct err why = {0};
    const char *text = given, *source = "--redis";
    for (unsigned i = 0; text == NULL && i < sizeof variables / sizeof *variables; i++) {
        text = getenv(variables[i]);
        source = variables[i];
    }
    int code = redis_url_parse(url, text != NULL ? text : REDIS_URL_DEFAULT, &why);
    if (code != LEAT_OK)
        return err_set(err, code, "%s: %s", source, why.text);
    return redis_url_find_password(url, err);
}
