/* SPDX-License-Identifier: MIT */
#include "dashboard/access.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

static const struct access_refusal foreign = {
    403, "Forbidden", "The request comes from a page of another site."};
static const struct access_refusal no_token = {
    401, "Unauthorized",
    "Send the header `Authorization: Bearer TOKEN` with the token of "
    "the dashboard's --token-file."};
static const struct access_refusal read_only = {
    403, "Forbidden",
    "The dashboard only reads on an address that other machines reach, unless it is "
    "started "
    "with --token-file."};

/* What a header says, without the blanks around it. */
static struct bytes trimmed(const char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    return (struct bytes){text, len};
}

static int ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

static int equal_in_any_case(struct bytes a, struct bytes b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

/* A scheme's own port may be left out. */
static struct bytes without_port(struct bytes host, const char *port)
{
    if (ends_with(host, port))
        host.len -= strlen(port);
    return host;
}

/* Does an Origin name the same host and port as a Host header? The scheme may differ:
 * behind a proxy that speaks TLS for us we do not see it. */
static int is_same_origin(struct bytes origin, struct bytes host)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};
    for (unsigned i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].scheme);
        if (origin.len <= len || strncasecmp(origin.at, schemes[i].scheme, len) != 0)
            continue;
        struct bytes named = {origin.at + len, origin.len - len};
        return equal_in_any_case(without_port(named, schemes[i].port),
                                 without_port(host, schemes[i].port));
    }
    return 0;
}

static int is_foreign(const struct access_request *request)
{
    if (request->fetch_site != NULL) {
        struct bytes site = trimmed(request->fetch_site);
        if (!bytes_is(site, "same-origin") && !bytes_is(site, "none"))
            return 1;
    }
    if (request->origin == NULL)
        return 0;
    return request->host == NULL ||
           !is_same_origin(trimmed(request->origin), trimmed(request->host));
}

/* All of `given` is looked at, whatever differs. */
static int is_token(struct bytes given, const char *token)
{
    size_t len = strlen(token);
    unsigned differs = given.len != len;
    for (size_t i = 0; i < given.len; i++)
        differs |= (unsigned char)given.at[i] ^ (unsigned char)token[i % len];
    return differs == 0;
}

static int has_token(const char *authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL ||
        strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return 0;
    return is_token(trimmed(authorization + sizeof scheme - 1), token);
}

const struct access_refusal *access_judge(const struct access *access,
                                          const struct access_request *request)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return NULL;
    if (is_foreign(request))
        return &foreign;
    if (access->token != NULL)
        return has_token(request->authorization, access->token) ? NULL : &no_token;
    return access->is_loopback ? NULL : &read_only;
}
