/* SPDX-License-Identifier: MIT */
/* Clocks. Monotonic time (`mono_ms`) measures spans and local deadlines; wall time
 * (`at_ms`, Unix epoch) is only for people and for fields that other machines read. They
 * never mix. */
#ifndef LEAT_BASE_CLOCK_H
#define LEAT_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ms(void);

/* Milliseconds since the Unix epoch. */
int64_t clock_wall_ms(void);

#endif
