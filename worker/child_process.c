/* SPDX-License-Identifier: MIT */
/* vfork, not fork: nothing of the worker's memory is copied, and the child can tell by it
 * which step failed, and why. Until its exec it runs on our stack while we stand still,
 * so it only makes system calls: it allocates nothing and changes nothing but the two
 * fields of its launch. */
#include "worker/child_process.h"
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- finding the program ----------------------------------------------------------- */

static int is_program(const char *file)
{
    struct stat info;
    return stat(file, &info) == 0 && S_ISREG(info.st_mode) && access(file, X_OK) == 0;
}

static int find_path(const char *name, const char *directory, struct buf *file,
                     struct err *err)
{
    int from_directory = name[0] != '/' && directory != NULL;
    /* A whole path: the child enters its directory before it looks for the program. */
    if (name[0] != '/' && (directory == NULL || directory[0] != '/')) {
        char *here = get_current_dir_name();
        buf_addf(file, "%s/", here != NULL ? here : "");
        free(here);
    }
    if (from_directory)
        buf_addf(file, "%s/", directory);
    buf_adds(file, name);
    if (is_program(buf_text(file)))
        return LEAT_OK;
    return err_set(err, LEAT_ECONFIG, "%s is no program that may be run: %s",
                   buf_text(file), errno != 0 ? strerror(errno) : "no plain file");
}

static int find_in_path(const char *name, const char *path, struct buf *file,
                        struct err *err)
{
    for (const char *at = path; *at != '\0'; at += strspn(at, ":")) {
        size_t len = strcspn(at, ":");
        buf_reset(file);
        buf_add(file, at, len);
        buf_addf(file, "/%s", name);
        /* A relative folder would mean another program wherever the worker is started. */
        if (*at == '/' && is_program(buf_text(file)))
            return LEAT_OK;
        at += len;
    }
    return err_set(err, LEAT_ECONFIG,
                   "no program %s in PATH; elsewhere it needs its folder: ./%s. "
                   "PATH is %s",
                   name, name, path[0] != '\0' ? path : "empty");
}

int child_process_find(const char *name, const char *directory, const char *path,
                       char **file, struct err *err)
{
    struct buf found = {0};
    errno = 0;
    int code = strchr(name, '/') != NULL ? find_path(name, directory, &found, err)
                                         : find_in_path(name, path, &found, err);
    if (code == LEAT_OK)
        *file = xstrdup(buf_text(&found));
    buf_fini(&found);
    return code;
}

/* ---- in the child, before it becomes its program ----------------------------------- */

/* Its steps return 0, or -1 and errno. */
struct launch {
    const struct child_process_spec *spec;
    pid_t parent;
    _Atomic pid_t *note;
    volatile size_t failed; /* the step */
    volatile int error;     /* 0: it runs */
};

static int lead_group(const struct launch *launch)
{
    if (launch->note != NULL)
        *launch->note = getpid();
    return setpgid(0, 0);
}

/* The parent may have died before the kernel was asked to tell. */
static int die_with_parent(const struct launch *launch)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -1;
    if (getppid() != launch->parent)
        _exit(EXIT_FAILURE);
    return 0;
}

static int limit_memory(const struct launch *launch)
{
    rlim_t max = (rlim_t)launch->spec->memory_max_bytes;
    const struct rlimit limit = {max, max};
    return max > 0 ? setrlimit(RLIMIT_DATA, &limit) : 0;
}

static int enter_directory(const struct launch *launch)
{
    const char *directory = launch->spec->directory;
    return directory != NULL ? chdir(directory) : 0;
}

/* Into a number that no descriptor has to go to: the copies below overwrite those. */
static int out_of_the_way(int fd, int to)
{
    if (fd < 0 && to <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd >= 0 && fd < CHILD_PROCESS_FDS
               ? fcntl(fd, F_DUPFD_CLOEXEC, CHILD_PROCESS_FDS)
               : fd;
}

static int set_descriptors(const struct launch *launch)
{
    int from[CHILD_PROCESS_FDS], kept = 0;
    for (int to = 0; to < CHILD_PROCESS_FDS; to++)
        from[to] = out_of_the_way(launch->spec->fds[to], to);
    for (int to = 0; to < CHILD_PROCESS_FDS; to++) {
        if (from[to] < 0)
            continue;
        if (dup2(from[to], to) < 0)
            return -1;
        kept = to + 1;
    }
    return kept > STDERR_FILENO ? close_range((unsigned)kept, UINT_MAX, 0) : -1;
}

/* Behind the copies above: they come from wherever ours are. */
static int limit_descriptors(const struct launch *launch)
{
    struct rlimit limit;
    if (launch->spec->descriptors_max == 0)
        return 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -1;
    limit.rlim_cur = (rlim_t)launch->spec->descriptors_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is ignored, SIGPIPE say, would stay so; and no handler of ours may run here, which
 * is why the mask is the last. */
static int reset_signals(const struct launch *launch)
{
    (void)launch;
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become_program(const struct launch *launch)
{
    const struct child_process_spec *spec = launch->spec;
    /* It changes none of them; its prototype is older than const. */
    return execve(spec->file, (char *const *)spec->argv,
                  (char *const *)spec->environment);
}

static const struct {
    const char *what;
    int (*take)(const struct launch *launch);
} steps[] = {
    {"cannot lead a process group", lead_group},
    {"cannot be made to end with the worker", die_with_parent},
    {"cannot be limited to its memory", limit_memory},
    {"cannot enter its directory", enter_directory},
    {"cannot have its descriptors", set_descriptors},
    {"cannot be limited to its descriptors", limit_descriptors},
    {"cannot have the default signals", reset_signals},
    {"cannot be run", become_program},
};

static void become(struct launch *launch)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].take(launch) == 0)
            continue;
        launch->error = errno;
        launch->failed = i;
        break;
    }
    _exit(EXIT_FAILURE);
}

/* ---- in the parent ----------------------------------------------------------------- */

/* Signals wait meanwhile: our handlers must not run in the child. */
static pid_t spawn(struct launch *launch)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    /* The top of the file says why it is right here. */
    pid_t pid = vfork(); /* NOLINT(*insecureAPI.vfork) */
    if (pid == 0)
        become(launch); /* NOLINT(*unix.Vfork) */
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

static int wait_for(pid_t pid, int options)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(pid, &status, options);
    while (got < 0 && errno == EINTR);
    assert(got != -1); /* somebody else reaps our children */
    return status;
}

/* It may be otherwise in a moment. */
static int passes(int error)
{
    return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE ||
           error == ETXTBSY;
}

static const char *hint(const struct launch *launch)
{
    if (steps[launch->failed].take != become_program)
        return "";
    if (launch->error == ENOEXEC)
        return " (does its first line name an interpreter, as #!/bin/sh?)";
    if (launch->error == ENOENT && is_program(launch->spec->file))
        return " (its interpreter is missing, see its first line)";
    return "";
}

static int tell_failed(const struct launch *launch, struct err *err)
{
    int error = launch->error;
    return err_set(err, passes(error) ? LEAT_EBUSY : LEAT_ECONFIG, "%s %s: %s%s",
                   launch->spec->file, steps[launch->failed].what, strerror(error),
                   hint(launch));
}

static void clear_note(_Atomic pid_t *note)
{
    if (note != NULL)
        *note = 0;
}

/* The leader, now a zombie, still holds the number of its group: it cannot be another's.
 * So the group is killed before the leader is reaped. */
static int end_group(struct child_process *child)
{
    kill(-child->pid, SIGKILL);
    clear_note(child->note);
    int status = wait_for(child->pid, 0);
    ev_io_stop(child->loop, &child->exited);
    close(child->pidfd);
    child->pid = 0;
    return status;
}

static void on_exited(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct child_process *child = watcher->data;
    int status = end_group(child);
    child->on_exit(child->arg, status);
}

static int no_room(const struct child_process_spec *spec, struct err *err)
{
    return err_set(err, LEAT_EBUSY, "%s cannot be started now: %s", spec->file,
                   strerror(errno));
}

int child_process_start(struct child_process *child, struct ev_loop *loop,
                        const struct child_process_spec *spec, child_process_fn on_exit,
                        void *arg, struct err *err)
{
    struct launch launch = {
        .spec = spec, .parent = getpid(), .note = child_groups_place(spec->groups)};
    pid_t pid = spawn(&launch);
    if (pid < 0)
        return no_room(spec, err);
    if (launch.error != 0) {
        wait_for(pid, 0);
        clear_note(launch.note);
        return tell_failed(&launch, err);
    }
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        int code = no_room(spec, err);
        kill(-pid, SIGKILL);
        wait_for(pid, 0);
        clear_note(launch.note);
        return code;
    }
    *child = (struct child_process){
        pid, pidfd, launch.note, loop, .on_exit = on_exit, .arg = arg};
    ev_io_init(&child->exited, on_exited, pidfd, EV_READ);
    child->exited.data = child;
    ev_io_start(loop, &child->exited);
    return LEAT_OK;
}

void child_process_close_fds(struct child_process_spec *spec)
{
    for (int i = 0; i < CHILD_PROCESS_FDS; i++)
        if (spec->fds[i] >= 0)
            close(spec->fds[i]);
}

void child_process_signal(const struct child_process *child, int number)
{
    if (child->pid > 0)
        kill(-child->pid, number);
}

void child_process_fini(struct child_process *child)
{
    if (child->pid == 0)
        return;
    struct pollfd exited = {child->pidfd, POLLIN, 0};
    child_process_signal(child, SIGKILL);
    if (poll(&exited, 1, CHILD_PROCESS_REAP_MS) == 1) {
        end_group(child);
        return;
    }
    ev_io_stop(child->loop, &child->exited);
    close(child->pidfd);
    child->pid = 0;
}

void child_process_status_text(int wait_status, char out[CHILD_PROCESS_STATUS_BYTES])
{
    if (WIFEXITED(wait_status))
        snprintf(out, CHILD_PROCESS_STATUS_BYTES, "exit %d", WEXITSTATUS(wait_status));
    else
        snprintf(out, CHILD_PROCESS_STATUS_BYTES, "signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
}
