/* SPDX-License-Identifier: MIT */
/* What a worker is told: its options and the configuration file, read and checked before
 * anything runs, or once more while it does. */
#ifndef LEAT_WORKER_SETTINGS_H
#define LEAT_WORKER_SETTINGS_H

#include "base/log_opt.h"
#include "base/netguard.h"
#include "config/config.h"
#include "config/options.h"
#include "worker/handler.h"
#include "worker/types.h"
#include "worker/worker.h"

struct settings {
    struct worker_config worker; /* its texts are borrowed from argv and from `file` */
    struct netguard guard;       /* what worker.guard points at: settings do not move */
    struct config file;
    struct type_policy policies[CONFIG_TITLES_MAX];
    struct handler_config *handlers; /* HANDLERS_MAX of them */
    struct log_settings log;
    int processes; /* below a master; 0: no master */
    int check_only;
};

/* Read the command line and the configuration file. May be called again with the same
 * argv, for other settings, to see what the file says by then. Does not return on --help
 * or an unknown option. Owns: the caller ends them with settings_fini(), but not after an
 * error.
 * Errors: LEAT_EUSAGE; LEAT_ECONFIG, with file and line; what redis_url_choose() says. */
int settings_read(struct settings *settings, int argc, char **argv, struct err *err);

/* Free what the settings own; a worker that was told them has ended before. */
void settings_fini(struct settings *settings);

#endif
