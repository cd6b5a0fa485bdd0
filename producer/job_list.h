/* SPDX-License-Identifier: MIT */
/* leat job ls: what rests in a queue, as a list for people and programs. */
#ifndef LEAT_PRODUCER_JOB_LIST_H
#define LEAT_PRODUCER_JOB_LIST_H

#include "broker/client.h"
#include "verb.h"

/* The states, by the names that HTTP has for them, too. */
#define JOB_LIST_STATES "dead|bad|failed|scheduled|retrying|ready"

/* Print up to `max` entries of that state, in the order of walk.h; one row of a table
 * says what there is of each. Errors: LEAT_EUSAGE for a state that is none; those of
 * await_walk(). */
int job_list(struct client *client, const struct queue *queue, const char *state,
             int64_t max, enum table_mode mode, struct err *err);

#endif
