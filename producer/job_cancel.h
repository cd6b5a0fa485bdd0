/* SPDX-License-Identifier: MIT */
/* leat job cancel. */
#ifndef LEAT_PRODUCER_JOB_CANCEL_H
#define LEAT_PRODUCER_JOB_CANCEL_H

/* Run the verb; as struct verb's. */
int job_cancel_run(int argc, char **argv);

#endif
