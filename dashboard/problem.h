/* SPDX-License-Identifier: MIT */
/* The body of an error answer, as machines read it. Pure. Source: RFC 9457. */
#ifndef LEAT_DASHBOARD_PROBLEM_H
#define LEAT_DASHBOARD_PROBLEM_H

#include "base/buf.h"

#define PROBLEM_TYPE "application/problem+json"

/* Append the JSON text; `detail` may be NULL. */
void problem_write(struct buf *out, unsigned status, const char *title,
                   const char *detail);

#endif
