/* SPDX-License-Identifier: MIT */
/* A job as the C library's caller gives it, on its way to a payload. */
#ifndef LEAT_PRODUCER_LIBLEAT_JOB_H
#define LEAT_PRODUCER_LIBLEAT_JOB_H

#include "base/buf.h"
#include "broker/pusher.h"
#include "leat.h"
#include "schema/uuid.h"

/* Kept from job to job, so that none of them allocates. A zeroed one is empty. */
struct libleat_job {
    struct uuid_maker ids;
    struct arena arena; /* scratch of job_check() */
    struct buf args, then, payload;
    char id[LEAT_ID_SIZE];
    struct pusher_due due;
};

/* Free the memory. */
void libleat_job_fini(struct libleat_job *job);

/* Make payload, id and due time of a job, and check them.
 * Errors: LEAT_EUSAGE, LEAT_EDATA, naming the field. */
int libleat_job_write(struct libleat_job *job, const struct leat_job *given,
                      struct err *err);

#endif
