/* SPDX-License-Identifier: MIT */
/* Runs commands from start to exit, in turns, and prints the median of the seconds each
 * took and of the CPU seconds it used: one line a command. Their output goes nowhere,
 * their messages to stderr. */
#include "measure.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { COMMANDS_MAX = 8 };

extern char **environ;

struct command {
    char **argv;
    double *wall_s, *cpu_s; /* of each run */
};

/* Cut the words at each `---`. Returns the number of commands. */
static int split(char **words, struct command *commands)
{
    int count = 0;
    commands[count++].argv = words;
    for (; *words != NULL; words++)
        if (strcmp(*words, "---") == 0 && count < COMMANDS_MAX) {
            *words = NULL;
            commands[count++].argv = words + 1;
        }
    return count;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void run(const struct command *command, int turn)
{
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status;
    struct rusage used;
    if (command->argv[0] == NULL)
        measure_die("a command is empty");
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    double began_s = measure_now_s();
    errno = posix_spawnp(&pid, command->argv[0], &quiet, NULL, command->argv, environ);
    if (errno != 0 || wait4(pid, &status, 0, &used) != pid)
        measure_die(command->argv[0]);
    command->wall_s[turn] = measure_now_s() - began_s;
    command->cpu_s[turn] = seconds(used.ru_utime) + seconds(used.ru_stime);
    posix_spawn_file_actions_destroy(&quiet);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        measure_die(command->argv[0]);
}

int main(int argc, char **argv)
{
    struct command commands[COMMANDS_MAX];
    int turns = argc > 2 ? atoi(argv[1]) : 0;
    if (turns < 1)
        measure_die("usage: leat-bench-times TURNS COMMAND... [--- COMMAND...]");
    int count = split(argv + 2, commands);
    for (int i = 0; i < count; i++) {
        commands[i].wall_s = xcalloc((size_t)turns, sizeof(double));
        commands[i].cpu_s = xcalloc((size_t)turns, sizeof(double));
    }
    for (int turn = 0; turn < turns; turn++)
        for (int i = 0; i < count; i++)
            run(&commands[i], turn);
    for (int i = 0; i < count; i++)
        printf("%.6f %.6f\n", measure_quantile(commands[i].wall_s, (size_t)turns, 0.5),
               measure_quantile(commands[i].cpu_s, (size_t)turns, 0.5));
    return 0;
}
