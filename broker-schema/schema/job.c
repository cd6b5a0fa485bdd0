/* SPDX-License-Identifier: MIT */
#include "schema/job.h"
#include "schema/args.h"
#include "schema/envelope.h"
#include "schema/members.h"

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

int job_check(struct bytes payload, struct arena *arena, struct err *err)
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

/* The text is judged inside an object of its own, so that one such as `1,"type":"x"`
 * cannot become more than one value. */
int job_add_json(struct buf *out, const char *name, struct bytes json, struct err *err)
{
    struct buf alone = {0};
    struct members members;
    struct err why = {0};
    buf_adds(&alone, "{\"v\":");
    buf_add(&alone, json.at, json.len);
    buf_addc(&alone, '}');
    int code = members_read(&members, buf_bytes(&alone), &why);
    if (code != LEAT_OK)
        err_set(err, code, "%s is no JSON value: %s", name, why.text);
    else if (members.count != 1)
        code = err_set(err, LEAT_EDATA, "%s is more than one JSON value", name);
    else
        buf_add(out, members.at[0].raw.at, members.at[0].raw.len);
    buf_fini(&alone);
    return code;
}
