/* SPDX-License-Identifier: MIT */
/* leat status: what waits, runs and fails, and what is wrong. */
#include "broker/report.h"
#include "look.h"
#include "verb.h"

struct status_options {
    struct common_options common;
};

static int run(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .about = "Show alarms, queues and workers.",
        .common = command_common_rows,
        .common_count = COMMAND_COMMON_COUNT,
    };
    struct status_options options = {0};
    struct client client = {0};
    struct overview overview = {0};
    struct buf out = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    int code = client_open(&client, options.common.redis, 0, &err);
    if (code == LEAT_OK)
        code = look(&client, &overview, &err);
    if (code == LEAT_OK && options.common.json)
        report_json(&out, &overview, LEAT_VERSION);
    else if (code == LEAT_OK)
        report_text(&out, &overview);
    client_close(&client);
    verb_print(&out);
    buf_fini(&out);
    overview_fini(&overview);
    return code == LEAT_OK ? 0 : command_fail(&err);
}

const struct command cmd_status = {"status", "Show alarms, queues and workers", run};
