/* SPDX-License-Identifier: MIT */
/* How much memory a process has. */
#ifndef LEAT_WORKER_RESIDENT_H
#define LEAT_WORKER_RESIDENT_H

#include <stdint.h>
#include <sys/types.h>

/* Its resident memory; 0 if it cannot be told.
 * Source: proc(5), /proc/[pid]/statm: the second number is the resident pages. */
int64_t resident_bytes(pid_t pid);

#endif
