/* SPDX-License-Identifier: MIT */
/* What a server tells about itself in INFO. */
#ifndef LEAT_BROKER_INFO_H
#define LEAT_BROKER_INFO_H

#include "base/mem.h"

/* Copy the value of the line `name:value`, cut at `size`; "" when there is no such
 * line. */
void info_value(struct bytes info, const char *name, char *out, size_t size);

#endif
