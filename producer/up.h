/* SPDX-License-Identifier: MIT */
/* What `leat up` keeps running: a private Redis, the dashboard and a worker, started in
 * this order and stopped in the other one, so that the worker can still give back what it
 * holds. A dashboard or a worker that dies is replaced, with back-off; one that keeps
 * dying, and a Redis that dies at all, ends everything. */
#ifndef LEAT_PRODUCER_UP_H
#define LEAT_PRODUCER_UP_H

#include "base/log_opt.h"
#include "private_redis.h"

struct up_config {
    const struct private_redis *redis;
    char **worker;      /* arguments of `leat worker`, NULL at the end; [0] is the name */
    const char *listen; /* of the dashboard */
    struct log_options log; /* of the dashboard: words that are right */
    void *arg;
    /* All three run; `dashboard` is http://…/ or unix:PATH. Called once. */
    void (*on_ready)(void *arg, const char *dashboard);
};

/* Start all, and stay until INT, TERM or HUP, or until it cannot go on; then all are
 * stopped and waited for. Uses the default loop. Returns an exit status, 0 after a
 * signal; what went wrong has been written to stderr. */
int up_run(const struct up_config *config, struct arena *arena);

#endif
