/* SPDX-License-Identifier: MIT */
/* leat status: what waits, runs and fails, and what is wrong. */
#include "broker/report.h"
#include "look.h"

static void show(struct buf *out, const struct overview *overview,
                 const struct common_options *common)
{
    if (common->json)
        report_json(out, overview, LEAT_VERSION);
    else
        report_text(out, overview);
}

static int run(int argc, char **argv)
{
    return look_run("Show alarms, queues and workers.", argc, argv, show);
}

const struct command cmd_status = {"status", "Show alarms, queues and workers", run};
