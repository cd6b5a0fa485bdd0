/* SPDX-License-Identifier: MIT */
/* The programs that stand beside `leat`, or where the package puts them: leat-worker and
 * leat-dashboard. A machine which only pushes jobs may lack them. */
#ifndef LEAT_PRODUCER_BESIDE_H
#define LEAT_PRODUCER_BESIDE_H

#include "base/err.h"
#include "base/mem.h"

/* The path of `leat-NAME`. Owns: the arena.
 * Errors: NULL, and LEAT_ECONFIG: it is not installed. */
const char *beside_find(const char *name, struct arena *arena, struct err *err);

/* Run a program to its end, with our standard streams.
 * Returns what a shell would show for it: its exit status, or 128 and a signal's number.
 * Errors: LEAT_ECONFIG: it cannot be started. */
int beside_run(const char *path, char *const argv[], struct err *err);

#endif
