/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT_AT = STDERR_FILENO + 1, NOT_RUN = 69 };

/* ---- in the child, before it becomes its program ----------------------------------- */

static void reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The parent may have died before the kernel was asked to tell. */
static void die_with(pid_t parent, int death_signal)
{
    if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
        _exit(NOT_RUN);
}

static int open_input(const char *text)
{
    if (text == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("in", MFD_CLOEXEC);
    if (write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        _exit(NOT_RUN);
    return fd;
}

static void set_descriptors(const struct child_spec *spec, int log)
{
    dup2(open_input(spec->in), STDIN_FILENO);
    dup2(spec->out_fd >= 0 ? spec->out_fd : log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (spec->kept_fd == KEPT_AT)
        fcntl(KEPT_AT, F_SETFD, 0);
    else if (spec->kept_fd >= 0)
        dup2(spec->kept_fd, KEPT_AT);
    close_range(spec->kept_fd >= 0 ? KEPT_AT + 1 : KEPT_AT, UINT_MAX, 0);
}

static void become(const struct child_spec *spec, int log, pid_t parent)
{
    die_with(parent, spec->death_signal);
    setsid();
    set_descriptors(spec, log);
    reset_signals();
    if (spec->folder == NULL || chdir(spec->folder) == 0)
        execv(spec->file, spec->argv);
    dprintf(STDERR_FILENO, "leat: cannot run %s: %s\n", spec->file, strerror(errno));
    _exit(NOT_RUN);
}

/* ---- in the parent ----------------------------------------------------------------- */

/* Signals wait meanwhile: our handlers must not run in the child. */
static pid_t fork_quietly(const struct child_spec *spec, int log)
{
    sigset_t all, before;
    pid_t parent = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(spec, log, parent);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

pid_t child_spawn(const struct child_spec *spec, struct err *err)
{
    /* Above what the child puts at 0 to 3, so that nothing is overwritten. */
    int opened = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int log = opened >= 0 ? fcntl(opened, F_DUPFD_CLOEXEC, KEPT_AT + 1) : -1;
    if (opened >= 0)
        close(opened);
    if (log < 0)
        return err_set(err, LEAT_ECONFIG, "cannot write %s: %s", spec->log,
                       strerror(errno));
    pid_t pid = fork_quietly(spec, log);
    close(log);
    return pid > 0
               ? pid
               : err_set(err, LEAT_EBUSY, "cannot start a process: %s", strerror(errno));
}

int child_exit_status(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                  : 128 + WTERMSIG(wait_status);
}

void child_last_words(const char *log, char *out, size_t size)
{
    char line[1024];
    FILE *file = fopen(log, "re");
    out[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0')
            snprintf(out, size, "%s", strncmp(line, "leat: ", 6) == 0 ? line + 6 : line);
    }
    if (file != NULL)
        fclose(file);
}
