/* SPDX-License-Identifier: MIT */
/* What answers the routes of routes.c, by the file it stands in. Each has the argument `struct
 * dashboard *`. */
#ifndef LEAT_DASHBOARD_HANDLERS_H
#define LEAT_DASHBOARD_HANDLERS_H

#include "dashboard/http.h"

/* views.c: what Redis tells as a whole, and signs of life. */
void get_status(struct http_request *request, void *arg);
void get_overview(struct http_request *request, void *arg);
void get_metrics(struct http_request *request, void *arg);
void get_livez(struct http_request *request, void *arg);
void get_readyz(struct http_request *request, void *arg);

/* counters_service.c and counters_list.c: counters without a job. */
void get_counter(struct http_request *request, void *arg);
void post_counter(struct http_request *request, void *arg);
void delete_counter(struct http_request *request, void *arg);
void delete_counters(struct http_request *request, void *arg);
void get_counters(struct http_request *request, void *arg);

/* cache_service.c: kept copies for readers. */
void get_cache(struct http_request *request, void *arg);
void delete_cache(struct http_request *request, void *arg);

/* page.c: the web page, its style, its script, and what the script imports. */
void get_page(struct http_request *request, void *arg);
void get_page_style(struct http_request *request, void *arg);
void get_page_script(struct http_request *request, void *arg);
void get_page_module(struct http_request *request, void *arg);

#endif
