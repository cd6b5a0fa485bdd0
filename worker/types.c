/* SPDX-License-Identifier: MIT */
#include "worker/types.h"
#include "worker/refresh.h"
#include "schema/args.h"

static const struct job_type types[] = {
    {"increment", increment_args_read, NULL, NULL, NULL, &backoff_default},
    {"refresh", NULL, refresh_prepare, refresh_start, refresh_cancel, &backoff_default},
};

const struct job_type *types_find(struct bytes name)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (bytes_is(name, types[i].name))
            return &types[i];
    return NULL;
}
