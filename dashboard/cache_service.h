/* SPDX-License-Identifier: MIT */
/* /cache/KEY: the kept copies of the queues' caches, for readers. Each reader asks Redis
 * once by the script READ, which also counts it. Who waits for a copy asks again with all
 * others that wait, ten times a second. */
#ifndef LEAT_DASHBOARD_CACHE_SERVICE_H
#define LEAT_DASHBOARD_CACHE_SERVICE_H

struct cache_service;
struct dashboard;

/* Owns: the caller frees, before the link of `dashboard` and after the server was
 * closed. */
struct cache_service *cache_service_new(struct dashboard *dashboard);
void cache_service_free(struct cache_service *service);

#endif
