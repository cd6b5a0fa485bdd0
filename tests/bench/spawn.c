/* SPDX-License-Identifier: MIT */
/* What a machine reaches that does nothing but run programs: COMMAND is started and
 * waited for, again and again, AT_ONCE of them at a time. Prints runs a second. */
#include "measure.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

static void start(char **argv)
{
    pid_t pid;
    errno = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (errno != 0)
        measure_die(argv[0]);
}

static void await_one(void)
{
    int status;
    if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        measure_die("the command failed");
}

int main(int argc, char **argv)
{
    if (argc < 4)
        measure_die("usage: leat-bench-spawn RUNS AT_ONCE COMMAND...");
    int runs = atoi(argv[1]), at_once = atoi(argv[2]);
    double began_s = measure_now_s();
    for (int started = 0, ended = 0; ended < runs; ended++) {
        for (; started < runs && started - ended < at_once; started++)
            start(argv + 3);
        await_one();
    }
    printf("%.0f\n", runs / (measure_now_s() - began_s));
    return 0;
}
