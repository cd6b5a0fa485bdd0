/* SPDX-License-Identifier: MIT */
#include "push_check.h"
#include "schema/args.h"
#include "schema/envelope.h"

static int check_increment(struct bytes args, struct arena *arena, struct err *err)
{
    struct increment_args unused;
    return increment_args_read(&unused, args, arena, err);
}

static int check_refresh(struct bytes args, struct arena *arena, struct err *err)
{
    struct refresh_args unused;
    return refresh_args_read(&unused, args, arena, err);
}

static const struct {
    const char *type;
    int (*check)(struct bytes args, struct arena *arena, struct err *err);
} built_in[] = {
    {"increment", check_increment},
    {"refresh", check_refresh},
};

int push_check(struct bytes payload, struct arena *arena, struct err *err)
{
    struct envelope envelope;
    int code = envelope_read(&envelope, payload, arena, err);
    if (code != LEAT_OK)
        return code;
    for (unsigned i = 0; i < sizeof built_in / sizeof *built_in; i++)
        if (bytes_is(envelope.type, built_in[i].type))
            return built_in[i].check(envelope.args, arena, err);
    return LEAT_OK;
}
