/* SPDX-License-Identifier: MIT */
/* Reading while the master is away. A command that only reads, and has therefore the
 * option --replica, asks the first replica that answers, and says so on stderr: what it
 * shows may be a little old. A command that writes never comes here. */
#ifndef LEAT_PRODUCER_REPLICA_H
#define LEAT_PRODUCER_REPLICA_H

#include "broker/client.h"
#include "command.h"

/* Connect to the master, or when it cannot be reached to one of the replicas.
 * Errors: those of command_open() for the master; LEAT_EUSAGE for an address of a
 * replica. */
int replica_open(struct client *client, const struct common_options *common,
                 struct err *err);

#endif
