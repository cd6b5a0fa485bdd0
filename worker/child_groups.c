/* SPDX-License-Identifier: MIT */
#include "worker/child_groups.h"

#include <signal.h>
#include <stddef.h>

_Atomic pid_t *child_groups_place(struct child_groups *groups)
{
    for (int i = 0; groups != NULL && i < CHILD_GROUPS_MAX; i++)
        if (groups->at[i] == 0)
            return &groups->at[i];
    return NULL;
}

void child_groups_kill(struct child_groups *groups)
{
    for (int i = 0; i < CHILD_GROUPS_MAX; i++) {
        pid_t group = groups->at[i];
        if (group > 0)
            kill(-group, SIGKILL);
        groups->at[i] = 0;
    }
}
