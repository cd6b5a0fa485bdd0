/* SPDX-License-Identifier: MIT */
/* `leat`: a table of commands, and two programs of their own that stand beside this one,
 * so that a machine which only pushes jobs needs neither libcurl nor an HTTP server. */
#include "command.h"
#include "base/mem.h"
#include "base/places.h"
#include "beside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &cmd_up,   &cmd_push,  &cmd_run, &cmd_status,  &cmd_workers, &cmd_health, &cmd_doctor,
    &cmd_fsck, &cmd_queue, &cmd_job, &cmd_counter, &cmd_cache,   &cmd_config, NULL};

static const struct {
    const char *name, *summary;
} programs[] = {
    {"worker", "Run jobs"},
    {"dashboard", "Serve the status, the JSON API and the metrics"},
};

enum { PROGRAM_COUNT = sizeof programs / sizeof *programs };

static const struct command *find_command(const char *name)
{
    for (int i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int is_program(const char *name)
{
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (strcmp(programs[i].name, name) == 0)
            return 1;
    return 0;
}

/* ---- programs beside this one ------------------------------------------------------ */

/* Become `leat-NAME`. Returns only when that cannot be. */
static int exec_program(const char *name, char **argv)
{
    struct arena arena = {0};
    struct err err = {0};
    const char *path = beside_find(name, &arena, &err);
    argv[0] = arena_printf(&arena, "leat %s", name);
    signal(SIGPIPE, SIG_DFL);
    if (path != NULL) {
        execv(path, argv);
        err_set(&err, LEAT_ECONFIG, "cannot start %s: %s", path, strerror(errno));
    }
    arena_fini(&arena);
    return command_fail(&err);
}

/* ---- help -------------------------------------------------------------------------- */

static void print_row(FILE *out, const char *name, const char *summary)
{
    fprintf(out, "  %-10s %s\n", name, summary);
}

static void print_help(FILE *out)
{
    fputs("Usage: leat COMMAND [OPTION...]\n\nCommands:\n", out);
    for (int i = 0; commands[i] != NULL; i++)
        print_row(out, commands[i]->name, commands[i]->summary);
    for (int i = 0; i < PROGRAM_COUNT; i++)
        print_row(out, programs[i].name, programs[i].summary);
    print_row(out, "help", "Explain a command: leat help COMMAND");
    print_row(out, "version", "Print the version");
    fputs(
        "\nEvery command knows --help, and finds Redis by --redis URL, LEAT_REDIS,\n"
        "REDIS_URL, the configuration file, or at redis://127.0.0.1:6379.\n"
        "Exit status: 0 done, 1 the answer is no, 64 wrong usage, 65 bad input,\n"
        "69 Redis unreachable, 70 bug, 75 try later, 77 refused, 78 bad configuration,\n"
        "124 time-out.\n",
        out);
}

/* For completions and manual pages: names with a description of their own, and words. */
static int describe(void)
{
    for (int i = 0; commands[i] != NULL; i++)
        printf("command\t%s\t%s\n", commands[i]->name, commands[i]->summary);
    for (int i = 0; i < PROGRAM_COUNT; i++)
        printf("command\t%s\t%s\n", programs[i].name, programs[i].summary);
    puts("word\thelp\tExplain a command\nword\tversion\tPrint the version");
    return 0;
}

/* Letters to change, add or drop between two short words (Levenshtein's distance). */
static int distance(const char *a, const char *b)
{
    enum { WORD_MAX = 16 };
    int row[WORD_MAX + 1], len = (int)strlen(b);
    if (len > WORD_MAX)
        return WORD_MAX;
    for (int i = 0; i <= len; i++)
        row[i] = i;
    for (; *a != '\0'; a++) {
        int corner = row[0]++;
        for (int i = 1; i <= len; i++) {
            int change = corner + (*a != b[i - 1]);
            int step = 1 + (row[i] < row[i - 1] ? row[i] : row[i - 1]);
            corner = row[i];
            row[i] = change < step ? change : step;
        }
    }
    return row[len];
}

static void consider(const char *given, const char *name, const char **best, int *nearest)
{
    int far = distance(given, name);
    if (far < *nearest) {
        *nearest = far;
        *best = name;
    }
}

static int unknown(const char *given)
{
    const char *best = NULL;
    int nearest = 3; /* further away is another word */
    for (int i = 0; commands[i] != NULL; i++)
        consider(given, commands[i]->name, &best, &nearest);
    for (int i = 0; i < PROGRAM_COUNT; i++)
        consider(given, programs[i].name, &best, &nearest);
    consider(given, "help", &best, &nearest);
    consider(given, "version", &best, &nearest);
    struct err err = {0};
    if (best != NULL)
        err_set(&err, LEAT_EUSAGE, "there is no command '%.60s'; did you mean '%s'?",
                given, best);
    err_set(&err, LEAT_EUSAGE, "there is no command '%.60s'; see leat help", given);
    return command_fail(&err);
}

/* ---- running ----------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
    char shown[32];
    const struct command *command = find_command(argv[0]);
    if (is_program(argv[0]))
        return exec_program(argv[0], argv);
    if (command == NULL)
        return unknown(argv[0]);
    snprintf(shown, sizeof shown, "leat %s", argv[0]);
    argv[0] = shown;
    return command->run(argc, argv);
}

static int help(int argc, char **argv)
{
    static char flag[] = "--help";
    char *words[] = {argv[1], flag, NULL};
    if (argc > 1 && find_command(argv[1]) == NULL && !is_program(argv[1]) &&
        strcmp(argv[1], "help") != 0 && strcmp(argv[1], "version") != 0)
        return unknown(argv[1]);
    if (argc > 1 && (find_command(argv[1]) != NULL || is_program(argv[1])))
        return run(2, words);
    print_help(stdout);
    return 0;
}

static int is_any(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return err_exit_status(LEAT_EUSAGE);
    }
    if (is_any(argv[1], "help", "--help", "-h"))
        return help(argc - 1, argv + 1);
    if (is_any(argv[1], "version", "--version", "-V")) {
        puts("leat " LEAT_VERSION);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--describe") == 0)
        return describe();
    return run(argc - 1, argv + 1);
}

/* A reader that went away, as in `leat … | head`, ends us quietly. */
static int finish_output(int status)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
        return status;
    struct err err = {0};
    err_set(&err, LEAT_EBUSY, "cannot write the output: %s", strerror(errno));
    return command_fail(&err);
}

int main(int argc, char **argv)
{
    places_fill();
    signal(SIGPIPE, SIG_IGN);
    return finish_output(dispatch(argc, argv));
}
