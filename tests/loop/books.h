/* SPDX-License-Identifier: MIT */
/* What a queue holds and has counted, taken at one instant and said in one line, so that
 * what is wanted can be written down as a text:
 *   jobs       all that were ever pushed, as PROTOCOL.md 3 finds them again
 *   ended      done, merged, expired or cancelled; `twins`: equal entries that wait
 *   failures   in the log of failures
 *   tombs, unbalanced    sums of PROTOCOL.md 3 that differ
 *   copy       the text of a kept copy, `page` or `other`
 *   record     the last that is said of the tracked job `task`
 * The rest is named as the keys and fields are. What is 0 is left out. Then come the
 * counters, by name, and of each follow-up that is tracked, by its id, all states that
 * its record tells. A queue that nobody used is "". */
#ifndef LEAT_TESTS_LOOP_BOOKS_H
#define LEAT_TESTS_LOOP_BOOKS_H

#include "base/buf.h"
#include "broker/client.h"
#include "schema/queue.h"

/* Append the queue's line. */
void books_read(struct buf *out, struct client *client, const struct queue *queue);

/* Delete all that the queue had. */
void books_burn(struct client *client, const struct queue *queue);

#endif
