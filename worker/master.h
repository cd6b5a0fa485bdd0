/* SPDX-License-Identifier: MIT */
/* `leat worker` with more than itself to run: a master that takes no job and never talks
 * to Redis. It keeps its processes (pool.h) alive, leads them by signals (process.h),
 * reads the settings again on HUP, and tells people, ps and the service manager how they
 * are. As process 1 of a container it also reaps what others leave behind. */
#ifndef LEAT_WORKER_MASTER_H
#define LEAT_WORKER_MASTER_H

#include "worker/settings.h"

/* Run settings->processes of them until they end. `argv` is read again on HUP. Takes the
 * settings over, and frees them. Makes the default loop: there must be none. Returns an
 * exit status; what went wrong has been written to stderr. */
int master_run(struct settings *settings, int argc, char **argv);

#endif
