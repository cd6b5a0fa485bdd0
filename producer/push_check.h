/* SPDX-License-Identifier: MIT */
/* What a worker would refuse, said where the producer can still see it. */
#ifndef LEAT_PRODUCER_PUSH_CHECK_H
#define LEAT_PRODUCER_PUSH_CHECK_H

#include "base/err.h"
#include "base/mem.h"

/* Check a payload: the envelope, and the args of a built-in type; other types' args are
 * their owner's business. `arena` is scratch. Errors: LEAT_EDATA with the reason. */
int push_check(struct bytes payload, struct arena *arena, struct err *err);

#endif
