/* SPDX-License-Identifier: MIT */
/* What the dashboard serves: one row a path. */
#ifndef LEAT_DASHBOARD_ROUTES_H
#define LEAT_DASHBOARD_ROUTES_H

#include "dashboard/http.h"

/* For http_config; the handlers' argument is a struct dashboard. */
extern const struct http_route dashboard_routes[];
extern const size_t dashboard_route_count;

#endif
