/* SPDX-License-Identifier: MIT */
/* What a worker is told: its options, read and checked once, before anything runs. */
#ifndef LEAT_WORKER_SETTINGS_H
#define LEAT_WORKER_SETTINGS_H

#include "base/log_opt.h"
#include "worker/netguard.h"
#include "worker/worker.h"

struct settings {
    struct worker_config worker; /* its texts are borrowed from argv */
    struct netguard guard;       /* what worker.guard points at: settings do not move */
    struct log_settings log;
};

/* Read the command line. Does not return on --help or an unknown option.
 * Errors: LEAT_EUSAGE, and what redis_url_choose() and netguard_allow() say. */
int settings_read(struct settings *settings, int argc, char **argv, struct err *err);

#endif
