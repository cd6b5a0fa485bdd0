/* SPDX-License-Identifier: MIT */
/* leat workers: who works, on what. */
#include "broker/report.h"
#include "look.h"

static void show(struct buf *out, const struct overview *overview,
                 const struct common_options *common)
{
    report_workers(out, overview, verb_mode(common));
}

static int run(int argc, char **argv)
{
    return look_run(
        "List the workers.\v"
        "A worker that was not seen for 15 s is shown as lost, for 10 minutes.",
        argc, argv, show);
}

const struct command cmd_workers = {"workers", "List the workers", run};
