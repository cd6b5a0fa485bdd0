/* SPDX-License-Identifier: MIT */
#include "broker/tails_find.h"
#include "schema/failure.h"

#include <string.h>

/* Of a long payload the log has the beginning. */
static int is_death_of(const struct failure *failure, const struct resting *job)
{
    return failure->is_death && failure->at_ms == job->died_ms &&
           failure->raw.len <= job->raw.len &&
           memcmp(failure->raw.at, job->raw.at, failure->raw.len) == 0;
}

int tails_find_look(void *arg, struct bytes raw, int64_t at_ms)
{
    struct tails_find *find = arg;
    struct failure failure;
    (void)at_ms; /* a list has no scores */
    if (failure_read(&failure, raw) != 0)
        return 0;
    if (!is_death_of(&failure, &find->job))
        return failure.at_ms < find->job.died_ms;
    find->out = (struct bytes){arena_dup(find->arena, failure.out), failure.out.len};
    find->err = (struct bytes){arena_dup(find->arena, failure.err), failure.err.len};
    return 1;
}
