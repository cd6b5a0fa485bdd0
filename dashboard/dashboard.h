/* SPDX-License-Identifier: MIT */
/* What the handlers share: the loop, the overview that is gathered at most once a second,
 * and a connection for whatever else they ask of Redis. */
#ifndef LEAT_DASHBOARD_DASHBOARD_H
#define LEAT_DASHBOARD_DASHBOARD_H

#include "broker/link.h"
#include "dashboard/snapshot.h"
#include "schema/queue.h"

struct cache_service;
struct look;
struct near;
struct track_service;

struct dashboard {
    struct ev_loop *loop;
    struct snapshot *snapshot;
    struct intake *intake;
    struct link *link;   /* comes back by itself; while it is down link_send() refuses */
    struct near *near;   /* counters that were read on it, until they change */
    struct cmd cmd;      /* to put commands together in */
    struct queue queue;  /* the one that was asked for last */
    int queue_is_listed; /* by service_list_queue() */
    struct look *looks;  /* see look.h */
    int listing_count;   /* lists of counters under way */
    int search_count;    /* searches for jobs under way */
    struct cache_service *cache;
    struct track_service *tracks;
};

#endif
