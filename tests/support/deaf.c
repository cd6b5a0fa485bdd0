/* SPDX-License-Identifier: MIT */
/* A mutant of the worker: once the file exists that LEAT_DEAF names, it takes no jobs,
 * while all else of it goes on as before. The linker puts these in the place of
 * worker_takes(). */
#include <stdlib.h>
#include <unistd.h>

struct worker;

int __real_worker_takes(const struct worker *worker);
int __wrap_worker_takes(const struct worker *worker);

int __wrap_worker_takes(const struct worker *worker)
{
    const char *path = getenv("LEAT_DEAF");
    return (path == NULL || access(path, F_OK) != 0) && __real_worker_takes(worker);
}
