/* SPDX-License-Identifier: MIT */
/* When a failed job runs again. */
#ifndef LEAT_SCHEMA_BACKOFF_H
#define LEAT_SCHEMA_BACKOFF_H

#include "schema/limits.h"

#include <stdint.h>

enum backoff_kind { BACKOFF_EXPONENTIAL, BACKOFF_FIXED, BACKOFF_LIST };

struct backoff {
    enum backoff_kind kind;
    int64_t retries_max; /* how often a failed job runs again */
    int64_t base_ms;     /* first delay; the only one of BACKOFF_FIXED */
    double factor;       /* of BACKOFF_EXPONENTIAL */
    int64_t cap_ms;      /* no delay is longer */
    int64_t list_ms[LIMIT_RETRY_LIST];
    int list_count; /* the last delay of a list repeats */
};

/* 2 s doubling to a cap of one day, 25 retries. */
extern const struct backoff backoff_default;

/* Delay before the next run after `fails` failures (>= 1), with equal jitter: half of it
 * fixed, half random; `random` is any number. Result in [1, cap_ms].
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS architecture blog, 2015. */
int64_t backoff_delay_ms(const struct backoff *policy, int64_t fails, uint64_t random);

#endif
