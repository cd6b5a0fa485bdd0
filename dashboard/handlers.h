/* SPDX-License-Identifier: MIT */
/* What answers the routes of routes.c, by the file it stands in. Each has the argument
 * `struct dashboard *`. */
#ifndef LEAT_DASHBOARD_HANDLERS_H
#define LEAT_DASHBOARD_HANDLERS_H

#include "dashboard/http.h"

/* views.c: what Redis tells as a whole, and signs of life. */
void get_status(struct http_request *request, void *arg);
void get_overview(struct http_request *request, void *arg);
void get_metrics(struct http_request *request, void *arg);
void get_livez(struct http_request *request, void *arg);
void get_readyz(struct http_request *request, void *arg);

/* push_api.c and bulk_api.c: jobs come in. */
void post_jobs(struct http_request *request, void *arg);
void post_jobs_bulk(struct http_request *request, void *arg);

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

/* queues_api.c */
void get_queues(struct http_request *request, void *arg);
void get_queue(struct http_request *request, void *arg);

/* jobs_api.c and job_api.c: the jobs that rest, and what can be done to one. */
void get_jobs(struct http_request *request, void *arg);
void get_job(struct http_request *request, void *arg);
void post_job(struct http_request *request, void *arg);
void delete_job(struct http_request *request, void *arg);

/* counters_look.c and copies_look.c: the greatest, gathered once for all who ask. */
void get_top_counters(struct http_request *request, void *arg);
void get_copies(struct http_request *request, void *arg);

#endif
