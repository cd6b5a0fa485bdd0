/* SPDX-License-Identifier: MIT */
/* Which row of a route table serves a request. Pure. */
#ifndef LEAT_DASHBOARD_ROUTE_H
#define LEAT_DASHBOARD_ROUTE_H

#include "dashboard/http.h"

/* The first route that takes this path and method, or NULL. `*rest` becomes what stands
 * for its `*`, within `path`, or "". */
const struct http_route *route_find(const struct http_config *config, const char *path,
                                    const char *method, const char **rest);

/* The methods that the path takes, as an Allow header lists them; NULL when no route has
 * the path. Owns: the arena. */
const char *route_allow(const struct http_config *config, const char *path,
                        struct arena *arena);

#endif
