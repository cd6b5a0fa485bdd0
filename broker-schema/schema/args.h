/* SPDX-License-Identifier: MIT */
/* The args of the two built-in job types. */
#ifndef LEAT_SCHEMA_ARGS_H
#define LEAT_SCHEMA_ARGS_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/limits.h"

#include <stdint.h>

struct increment_args {
    struct bytes counter;
    int64_t by; /* 1 when absent */
};

/* Read `{"counter": "song:1", "by": 1}`. Views borrow from `args` or the arena.
 * Errors: LEAT_EDATA; such a job dies with the reason. */
int increment_args_read(struct increment_args *out, struct bytes args,
                        struct arena *arena, struct err *err);

struct refresh_args {
    struct bytes url;
    struct bytes key; /* the url when absent */
    int64_t max_age_ms;
    int64_t stale_max_ms;
    int64_t timeout_ms;
    const char *headers[LIMIT_REQUEST_HEADERS]; /* `Name: value`, in the arena */
    int header_count;
};

/* Read `{"url", "key", "max_age_ms", "stale_max_ms", "timeout_ms", "headers": {}}`. Views
 * borrow from `args` or the arena. Errors: LEAT_EDATA; such a job dies with the
 * reason. */
int refresh_args_read(struct refresh_args *out, struct bytes args, struct arena *arena,
                      struct err *err);

#endif
