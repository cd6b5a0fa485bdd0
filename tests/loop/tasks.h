/* SPDX-License-Identifier: MIT */
/* Handlers for users' own jobs, of the kinds exec and lines: the program of the chaos
 * test, whose jobs say what it does and what it answers (tests/chaos/handler.c). */
#ifndef LEAT_TESTS_LOOP_TASKS_H
#define LEAT_TESTS_LOOP_TASKS_H

#include "worker/worker.h"

/* Have a worker serve the types `exec` and `lines`. What `config` points to then lives as
 * long as the program. */
void tasks_serve(struct worker_config *config);

#endif
