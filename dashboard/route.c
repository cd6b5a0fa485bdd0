/* SPDX-License-Identifier: MIT */
#include "dashboard/route.h"

#include <string.h>

/* What stands for the route's `*`, "" for a route without; NULL: another path. */
static const char *path_rest(const struct http_route *route, const char *path)
{
    size_t len = strlen(route->path);
    if (len < 2 || strcmp(route->path + len - 2, "/*") != 0)
        return strcmp(path, route->path) == 0 ? "" : NULL;
    return strncmp(path, route->path, len - 1) == 0 ? path + len - 1 : NULL;
}

static int serves_head(const struct http_route *route)
{
    return strcmp(route->method, "GET") == 0;
}

static int method_fits(const struct http_route *route, const char *method)
{
    return strcmp(method, route->method) == 0 ||
           (serves_head(route) && strcmp(method, "HEAD") == 0);
}

const struct http_route *route_find(const struct http_config *config, const char *path,
                                    const char *method, const char **rest)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct http_route *route = &config->routes[i];
        const char *found = path_rest(route, path);
        if (found == NULL || !method_fits(route, method))
            continue;
        *rest = found;
        return route;
    }
    return NULL;
}

const char *route_allow(const struct http_config *config, const char *path,
                        struct arena *arena)
{
    const char *allow = NULL;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct http_route *route = &config->routes[i];
        if (path_rest(route, path) == NULL)
            continue;
        allow = arena_printf(arena, "%s%s%s%s", allow != NULL ? allow : "",
                             allow != NULL ? ", " : "", route->method,
                             serves_head(route) ? ", HEAD" : "");
    }
    return allow;
}
