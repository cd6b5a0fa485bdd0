/* SPDX-License-Identifier: MIT */
/* What a handler says of a job: one JSON object, the same for every kind of handler
 * (PROTOCOL.md, "The handler's side"). Reading it checks every rule, so that an answer
 * either has its whole effect or none. */
#ifndef LEAT_SCHEMA_JOB_ANSWER_H
#define LEAT_SCHEMA_JOB_ANSWER_H

#include "base/err.h"
#include "base/mem.h"
#include "schema/follow_up.h"

#include <stdint.h>

enum answer_end {
    ANSWER_DONE,   /* with its effects: incr, push, result */
    ANSWER_FAILED, /* runs again by its policy, not before `retry_in_ms` */
    ANSWER_DEAD,   /* failed, and must not run again */
    ANSWER_LATER,  /* runs again after `again_in_ms`; no failure */
};

struct answer_incr {
    struct bytes counter;
    int64_t by;
};

struct job_answer {
    int is_end; /* 0: the job goes on, and this is its progress */
    enum answer_end end;
    struct bytes job;              /* the handle of the call; empty when not given */
    struct bytes error;            /* any text, also an empty one */
    struct bytes result, progress; /* JSON values as they stand, or empty */
    int64_t retry_in_ms, again_in_ms;
    int incr_count, push_count;
    struct answer_incr *incr;
    struct follow_up *push;
};

/* Read and check an answer. Its views borrow from `json`, or from the arena.
 * Errors: LEAT_EDATA, naming member, limit and value. */
int job_answer_read(struct job_answer *out, struct bytes json, struct arena *arena,
                    struct err *err);

/* Does an answer, which may break a rule, tell no more than `progress`? The job goes on
 * then. */
int job_answer_is_progress(const struct members *members);

#endif
