/* SPDX-License-Identifier: MIT */
/* leat job wait, and the record of a tracked job as `leat job get` shows it. */
#ifndef LEAT_PRODUCER_JOB_WAIT_H
#define LEAT_PRODUCER_JOB_WAIT_H

#include "broker/client.h"
#include "schema/queue.h"

/* Run the verb; as struct verb's. */
int job_wait_run(int argc, char **argv);

/* Print the record of the job with this id, as JSON.
 * Errors: LEAT_ENO when there is none; what Redis said. */
int job_wait_show(struct client *client, const struct queue *queue, const char *id,
                  struct err *err);

#endif
