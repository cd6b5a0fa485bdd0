/* SPDX-License-Identifier: MIT */
/* What the benchmark's programs share: a clock, order statistics, and an end for
 * errors. */
#ifndef LEAT_TESTS_BENCH_MEASURE_H
#define LEAT_TESTS_BENCH_MEASURE_H

#include <stddef.h>

/* Print `what`, with errno's text if that is set, and exit with 1. */
_Noreturn void measure_die(const char *what);

/* Seconds of CLOCK_MONOTONIC. */
double measure_now_s(void);

/* The value that `share` of all are below or equal to: 0.5 for the median. Sorts them. */
double measure_quantile(double *values, size_t count, double share);

#endif
