/* SPDX-License-Identifier: MIT */
/* Whatever headers come: a write that passes came from our own origin and had the token,
 * a Host that passes names us, and a route's rest is the end of its path. The input is
 * cut at its line ends: method, target, Host, Origin, Sec-Fetch-Site, Authorization, one
 * header more. */
#include "dashboard/access.h"
#include "dashboard/framing.h"
#include "dashboard/hostcheck.h"
#include "dashboard/route.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN "0123456789abcdef"

enum { PARTS = 7, METHOD = 0, TARGET, HOST, ORIGIN, SITE, AUTHORIZATION, HEADER };

/* An empty part is a header that is not there. */
static void cut(char *text, char *parts[PARTS])
{
    for (int i = 0; i < PARTS; i++) {
        char *part = text != NULL ? strsep(&text, "\n") : NULL;
        parts[i] = part != NULL && *part != '\0' ? part : NULL;
    }
}

static void check_access(char *parts[PARTS])
{
    struct access access = {.token = TOKEN, .is_loopback = 1};
    struct access_request request = {.method = parts[METHOD],
                                     .host = parts[HOST],
                                     .origin = parts[ORIGIN],
                                     .fetch_site = parts[SITE],
                                     .authorization = parts[AUTHORIZATION]};
    int is_read = strcmp(parts[METHOD], "GET") == 0 || strcmp(parts[METHOD], "HEAD") == 0;
    if (access_judge(&access, &request) != NULL) {
        MUST(!is_read);
        return;
    }
    if (is_read)
        return;
    MUST(parts[AUTHORIZATION] != NULL && strstr(parts[AUTHORIZATION], TOKEN) != NULL);
    MUST(parts[SITE] == NULL || strstr(parts[SITE], "cross-site") == NULL);
    if (parts[ORIGIN] == NULL)
        return;
    MUST(parts[HOST] != NULL && strstr(parts[ORIGIN], "://") != NULL);
    const char *host = strstr(parts[ORIGIN], "://") + 3;
    const char *ours = parts[HOST] + strspn(parts[HOST], " \t");
    MUST(strncasecmp(host, ours, strcspn(ours, ": \t")) == 0);
}

static void check_host(const char *host)
{
    static const char *const names[] = {"jobs.example.org"};
    struct hostcheck check = {
        .own = "127.0.0.2", .port = 8740, .allowed = names, .allowed_count = 1};
    if (host == NULL || !hostcheck_passes(&check, host))
        return;
    MUST(strncasecmp(host, "localhost", 9) == 0 || strncmp(host, "127.0.0.", 8) == 0 ||
         strncmp(host, "[::1]", 5) == 0 || strncasecmp(host, names[0], 16) == 0);
}

static void check_route(const char *method, const char *path)
{
    static const struct http_route routes[] = {
        {"GET", "/", NULL}, {"GET", "/a/*", NULL}, {"POST", "/a/b:c", NULL}};
    struct http_config config = {.routes = routes, .route_count = 3};
    const char *rest = NULL;
    struct arena arena = {0};
    if (route_find(&config, path, method, &rest) != NULL)
        MUST(*rest == '\0' || (rest > path && rest <= path + strlen(path)));
    const char *allow = route_allow(&config, path, &arena);
    MUST(rest == NULL || allow != NULL);
    arena_fini(&arena);
}

static void check_framing(const char *target, const char *length)
{
    struct framing framing = {0};
    framing_target(&framing, target);
    framing_header(&framing, "Content-Length", length);
    if (framing.fault != NULL)
        return;
    MUST(target[0] == '/' && strpbrk(target, " \t\r\x7f") == NULL);
    MUST(strspn(length, "0123456789") == strlen(length) && *length != '\0');
    MUST(framing.has_body == (length[strspn(length, "0")] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *parts[PARTS];
    cut(text, parts);
    if (parts[METHOD] != NULL)
        check_access(parts);
    check_host(parts[HOST]);
    if (parts[METHOD] != NULL && parts[TARGET] != NULL)
        check_route(parts[METHOD], parts[TARGET]);
    if (parts[TARGET] != NULL && parts[HEADER] != NULL)
        check_framing(parts[TARGET], parts[HEADER]);
    free(text);
    return 0;
}
