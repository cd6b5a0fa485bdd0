/* SPDX-License-Identifier: MIT */
/* A plugin whose jobs do nothing. */
#include "worker/leat-plugin.h"

static void run(struct leat_plugin_job *job)
{
    (void)job;
}

const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, .in_flight = 1000, .run = run};
