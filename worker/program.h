/* SPDX-License-Identifier: MIT */
/* The program of a handler, as its configuration names it: where it is, its arguments,
 * and what its children have for an environment. No shell reads any of it, and nothing of
 * our own environment goes to them but what is named. */
#ifndef LEAT_WORKER_PROGRAM_H
#define LEAT_WORKER_PROGRAM_H

#include "base/mem.h"
#include "config/options.h"
#include "worker/child_process.h"

struct handler;
struct handler_config;

struct program {
    const char *file;  /* a path */
    const char **argv; /* NULL behind the last */
    const char **environment;
    size_t environment_count;
    struct arena arena; /* owns all of it */
};

/* Look whether it can be run, without keeping anything: `check` of kinds that have one.
 * Errors: LEAT_ECONFIG, a sentence that begins with the key. */
int program_check(const struct handler_config *config, struct err *err);

/* Read it, our own environment as it is now. What is not there is found out by the first
 * start. */
void program_init(struct program *program, const struct handler_keys *keys);
void program_fini(struct program *program);

/* How to start it as these keys say; without descriptors yet. Borrows from both. */
struct child_process_spec program_keys_spec(const struct program *program,
                                            const struct handler_keys *keys);

/* The same for that handler of a worker. */
struct child_process_spec program_child_spec(const struct program *program,
                                             const struct handler *handler);

#endif
