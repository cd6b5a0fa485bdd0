/* SPDX-License-Identifier: MIT */
/* leat workers: who works, on what. */
#include "broker/report.h"
#include "look.h"
#include "verb.h"

struct workers_options {
    struct common_options common;
};

static int run(int argc, char **argv)
{
    static const struct opt_spec spec = {
        .about = "List the workers.\v"
                 "A worker that was not seen for 15 s is shown as stale, for 10 minutes.",
        .common = command_common_rows,
        .common_count = COMMAND_COMMON_COUNT,
    };
    struct workers_options options = {0};
    struct client client = {0};
    struct overview overview = {0};
    struct buf out = {0};
    struct err err = {0};
    opt_parse(&spec, argc, argv, &options);
    int code = client_open(&client, options.common.redis, 0, &err);
    if (code == LEAT_OK)
        code = look(&client, &overview, &err);
    if (code == LEAT_OK)
        report_workers(&out, &overview, verb_mode(&options.common));
    client_close(&client);
    verb_print(&out);
    buf_fini(&out);
    overview_fini(&overview);
    return code == LEAT_OK ? 0 : command_fail(&err);
}

const struct command cmd_workers = {"workers", "List the workers", run};
