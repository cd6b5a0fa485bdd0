/* SPDX-License-Identifier: MIT */
/* Pushing a stream of lines: each is a whole envelope, or a text that becomes one
 * argument of a job. Bad lines are reported and left out; the good ones are pushed. */
#ifndef LEAT_PRODUCER_PUSH_BULK_H
#define LEAT_PRODUCER_PUSH_BULK_H

#include "broker/client.h"
#include "broker/pusher.h"
#include "schema/envelope.h"

enum { PUSH_PATIENCE_MS = 10000 }; /* with a queue that is full */

struct push_bulk_config {
    const char *path; /* NULL or "-": standard input */
    const struct queue *queue;
    struct pusher_due due;
    /* Lines of text: what each becomes. NULL `draft`: lines are envelopes. */
    const struct envelope_draft *draft; /* without id and args */
    const char *arg, *prefix;
    int json; /* the summary as JSON on stdout */
};

/* Push all lines and report to the user: refused lines and `pushed K of N` on stderr.
 * Returns an exit status. */
int push_bulk(struct client *client, const struct push_bulk_config *config);

#endif
