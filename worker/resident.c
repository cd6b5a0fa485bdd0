/* SPDX-License-Identifier: MIT */
#include "worker/resident.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int64_t resident_bytes(pid_t pid)
{
    char path[40], line[128] = "", *second = line;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof line, file) != NULL)
        strtoll(line, &second, 10);
    fclose(file);
    return (int64_t)strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE);
}
