/* SPDX-License-Identifier: MIT */
/* The process groups that a worker's children lead, in memory that its master sees. When
 * the worker is killed its children die with it, but not what they have started: that is
 * the master's to kill. */
#ifndef LEAT_WORKER_CHILD_GROUPS_H
#define LEAT_WORKER_CHILD_GROUPS_H

#include <stdatomic.h>
#include <sys/types.h>

enum { CHILD_GROUPS_MAX = 1024 }; /* a child beyond is not noted */

/* All zeroes: nobody. */
struct child_groups {
    _Atomic pid_t at[CHILD_GROUPS_MAX];
};

/* A place that is free; NULL when there is none, or `groups` is NULL. Who takes it writes
 * his number there, and 0 when the group is gone. */
_Atomic pid_t *child_groups_place(struct child_groups *groups);

/* The worker has ended: kill those that are still noted. At once, before their numbers
 * can be others'. */
void child_groups_kill(struct child_groups *groups);

#endif
