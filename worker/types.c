/* SPDX-License-Identifier: MIT */
#include "worker/types.h"
#include "schema/args.h"

#include <string.h>

static const struct job_type types[] = {
    {"increment", increment_args_read, NULL, &backoff_default},
    {"refresh", NULL, NULL, &backoff_default},
};

const struct job_type *types_find(struct bytes name)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (bytes_is(name, types[i].name))
            return &types[i];
    return NULL;
}

const struct backoff *types_backoff(const struct job_type *type,
                                    const struct type_policy *policies, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(policies[i].type, type->name) == 0)
            return &policies[i].backoff;
    return type->backoff;
}
