/* SPDX-License-Identifier: MIT */
/* Structs that begin with their size, as callers of the C library fill them in: a program
 * built against an older header gives a shorter one, against a newer header a longer
 * one. */
#ifndef LEAT_PRODUCER_SIZED_H
#define LEAT_PRODUCER_SIZED_H

#include "base/err.h"

#include <stddef.h>

/* Copy the struct at `from` to `to`, which has `known` bytes; what is not given is zero.
 * `name` is what messages call it.
 * Errors: LEAT_EUSAGE when no size is set, or a field that is unknown here is not
 * zero. */
int sized_read(void *to, size_t known, const void *from, const char *name,
               struct err *err);

#endif
