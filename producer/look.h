/* SPDX-License-Identifier: MIT */
/* An overview for a command: asked for, and waited for. */
#ifndef LEAT_PRODUCER_LOOK_H
#define LEAT_PRODUCER_LOOK_H

#include "broker/client.h"
#include "broker/overview.h"
#include "verb.h"

/* Read everything. Owns: the caller calls overview_fini(), also after an error.
 * Errors: LEAT_ELINK, and what Redis said. */
int look(struct client *client, struct overview *overview, struct err *err);

/* The same, but of the workers alone. */
int look_workers(struct client *client, struct overview *overview, struct err *err);

/* Appends what a command shows of it. */
typedef void (*look_fn)(struct buf *out, const struct overview *overview,
                        const struct common_options *common);

/* A whole command that takes no words: parse its options, look, print what `show`
 * appends. Returns an exit status. */
int look_run(const char *about, int argc, char **argv, look_fn show);

#endif
