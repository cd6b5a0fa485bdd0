/* SPDX-License-Identifier: MIT */
/* A check of a queue against the invariants of PROTOCOL.md, on a broker that goes on
 * working: nothing is changed or locked. What must fit together is read by one script
 * (AUDIT for the sums, INSPECT for each lease, body and flight), so nothing that merely
 * moves looks wrong; the rest is read page by page, and judged by its bytes alone.
 *
 * Redis is never held up for long: no script looks at more than FSCK_ENTRIES entries or
 * FSCK_BYTES bytes, below 10 ms. What only more would tell is left out, and said. */
#ifndef LEAT_BROKER_FSCK_H
#define LEAT_BROKER_FSCK_H

#include "broker/client.h"
#include "schema/queue.h"

enum {
    FSCK_ENTRIES = 4000,
    FSCK_BYTES = 8 * 1024 * 1024,
    FSCK_SAID_MAX = 20, /* findings of one kind in a queue; more are only counted */
};

enum fsck_level {
    FSCK_OK,
    FSCK_WARN, /* what will come right by itself, or could not be judged */
    FSCK_FAIL,
};

/* Take a finding; the text is borrowed, without control characters. */
typedef void (*fsck_fn)(void *arg, enum fsck_level level, const char *queue,
                        const char *check, const char *text);

/* Check one queue and wait for the end. `say` is called for each finding, at last with
 * what was looked at.
 * Errors: LEAT_ELINK and the like; the check is then not complete. A key of the wrong
 * type is a finding. */
int fsck_queue(struct client *client, const struct queue *queue, fsck_fn say, void *arg,
               struct err *err);

#endif
