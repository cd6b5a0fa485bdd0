/* SPDX-License-Identifier: MIT */
/* What every producer does with a job before it pushes it: take args that came as text,
 * and say what a worker would refuse, where the producer can still see it. */
#ifndef LEAT_SCHEMA_JOB_H
#define LEAT_SCHEMA_JOB_H

#include "base/buf.h"
#include "base/err.h"

/* Check a payload: the envelope, and the args of a built-in type; other types' args are
 * their owner's business. `arena` is scratch. Errors: LEAT_EDATA with the reason. */
int job_check(struct bytes payload, struct arena *arena, struct err *err);

/* Append one JSON value that came as text, without the blanks around it. `name` is what
 * messages call it. Errors: LEAT_EDATA when it is no JSON value, or more than one. */
int job_add_json(struct buf *out, const char *name, struct bytes json, struct err *err);

#endif
