/* SPDX-License-Identifier: MIT */
/* Loads a plugin to see whether it is one, which no look at its file can tell. As ever a
 * child does so, leat-plugin --check: what runs by itself when it is loaded may crash, or
 * not end. None of its functions is called. */
#ifndef LEAT_WORKER_PLUGIN_TRIAL_H
#define LEAT_WORKER_PLUGIN_TRIAL_H

#include "base/err.h"

struct child_process_spec;

/* What leat-plugin --check writes of a plugin; of anything else it writes why not. */
#define PLUGIN_TRIAL_LOADED "loaded"

/* Run the child of `spec`, without descriptors yet, for PLUGIN_TRIAL_S at most, and wait
 * for it. Blocks: for who checks settings and does nothing else.
 * Errors: LEAT_ECONFIG, LEAT_EBUSY: it is no plugin, or could not be loaded; a sentence
 * that begins with the key. */
enum { PLUGIN_TRIAL_S = 10 };
int plugin_trial_run(const char *file, struct child_process_spec *spec, struct err *err);

#endif
