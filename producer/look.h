/* SPDX-License-Identifier: MIT */
/* An overview for a command: asked for, and waited for. */
#ifndef LEAT_PRODUCER_LOOK_H
#define LEAT_PRODUCER_LOOK_H

#include "broker/client.h"
#include "broker/overview.h"

/* Read everything. Owns: the caller calls overview_fini(), also after an error.
 * Errors: LEAT_ELINK, and what Redis said. */
int look(struct client *client, struct overview *overview, struct err *err);

#endif
