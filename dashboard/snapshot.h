/* SPDX-License-Identifier: MIT */
/* What the dashboard knows of Redis: one overview, at most a second old, gathered only
 * when somebody asks. Any number of viewers costs Redis one look a second, none costs
 * nothing. */
#ifndef LEAT_DASHBOARD_SNAPSHOT_H
#define LEAT_DASHBOARD_SNAPSHOT_H

#include "broker/overview.h"

struct ev_loop;
struct snapshot;

/* Connect. `on_fatal` is called when Redis cannot be reached at the start, or refuses us.
 * Owns: the caller frees. */
struct snapshot *snapshot_new(struct ev_loop *loop, const struct redis_url *url,
                              void (*on_fatal)(void *arg, const struct err *err),
                              void *arg);
/* Stop, and tell all who wait; accepts NULL. */
void snapshot_free(struct snapshot *snapshot);

/* `overview` is NULL when Redis cannot be asked; then `err` says why. Both are borrowed
 * until the callback returns. */
typedef void (*snapshot_fn)(void *arg, const struct overview *overview,
                            const struct err *err);

/* Look. Calls `fn` exactly once: at once when the last look is fresh enough or Redis is
 * away, else when Redis has answered. */
void snapshot_get(struct snapshot *snapshot, snapshot_fn fn, void *arg);

/* Ask Redis for a sign of life, within a second; `err` is NULL when it gave one. */
typedef void (*snapshot_ready_fn)(void *arg, const struct err *err);
void snapshot_ping(struct snapshot *snapshot, snapshot_ready_fn fn, void *arg);

#endif
