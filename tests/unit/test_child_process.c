/* SPDX-License-Identifier: MIT */
/* The programs are real: /bin/sh and what POSIX has. A process is watched through a
 * pidfd, never by its number alone. */
#include "suite.h"
#include "worker/child_process.h"
#include "worker/pipe_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 30000 };

static const char *const plain_environment[] = {"PATH=/usr/bin:/bin", NULL};

/* ---- running one ------------------------------------------------------------------- */

struct run {
    struct ev_loop *loop;
    struct child_process child;
    struct pipe_reader out;
    int ended, status;
    struct buf lines;
    struct err err;
};

static void on_line(void *arg, enum line_kind kind, struct bytes line)
{
    struct run *run = arg;
    ck_assert_int_eq(kind, LINE_WHOLE);
    buf_add(&run->lines, line.at, line.len);
    buf_addc(&run->lines, '\n');
}

static void on_exit_of(void *arg, int status)
{
    struct run *run = arg;
    run->ended++;
    run->status = status;
    pipe_reader_finish(&run->out);
    ev_break(run->loop, EVBREAK_ONE);
}

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    ck_abort_msg("nothing happened for %d ms", DEADLINE_MS);
}

static void init(struct run *run)
{
    *run = (struct run){.loop = ev_loop_new(EVFLAG_AUTO)};
}

static void fini(struct run *run)
{
    child_process_fini(&run->child);
    pipe_reader_close(&run->out);
    buf_fini(&run->lines);
    ev_loop_destroy(run->loop);
}

/* `spec->fds[1]` becomes a pipe that is read. */
static int start(struct run *run, struct child_process_spec *spec)
{
    const struct pipe_reader_spec reading = {65536, 4096, on_line, run};
    ck_assert_int_eq(
        pipe_reader_open(&run->out, run->loop, &reading, &spec->fds[1], NULL), 0);
    if (spec->environment == NULL)
        spec->environment = plain_environment;
    run->ended = 0;
    int code =
        child_process_start(&run->child, run->loop, spec, on_exit_of, run, &run->err);
    close(spec->fds[1]);
    return code;
}

/* Turn the loop until the child has ended, or, `lines` given, has written so many. */
static void turn(struct run *run, int lines)
{
    ev_timer deadline;
    ev_timer_init(&deadline, on_deadline, DEADLINE_MS / 1000.0, 0);
    ev_timer_start(run->loop, &deadline);
    for (;;) {
        int have = 0;
        for (const char *at = buf_text(&run->lines); *at != '\0'; at++)
            have += *at == '\n';
        if (run->ended || (lines > 0 && have >= lines))
            break;
        ev_run(run->loop, EVRUN_ONCE);
    }
    ev_timer_stop(run->loop, &deadline);
}

static struct child_process_spec spec_of(const char *const *argv)
{
    return (struct child_process_spec){
        .file = argv[0], .argv = argv, .fds = {-1, -1, STDERR_FILENO, -1}};
}

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", script, NULL})

static void run_shell(struct run *run, struct child_process_spec spec)
{
    ck_assert_int_eq(start(run, &spec), LEAT_OK);
    turn(run, 0);
    ck_assert_int_eq(run->ended, 1);
}

/* What a script writes, in a run of its own. */
static void expect_output(struct child_process_spec spec, const char *want)
{
    struct run run;
    init(&run);
    run_shell(&run, spec);
    ck_assert_str_eq(buf_text(&run.lines), want);
    fini(&run);
}

static void expect_ends(int pidfd)
{
    struct pollfd ended = {pidfd, POLLIN, 0};
    ck_assert_int_eq(poll(&ended, 1, DEADLINE_MS), 1);
    close(pidfd);
}

static int is_childless(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
}

static int count_descriptors(const char *folder)
{
    int count = 0;
    DIR *open_ones = opendir(folder);
    ck_assert_ptr_nonnull(open_ones);
    for (struct dirent *it; (it = readdir(open_ones)) != NULL;)
        count += it->d_name[0] != '.';
    closedir(open_ones);
    return count;
}

/* ---- ends -------------------------------------------------------------------------- */

static void expect_status(const char *const *argv, const char *want)
{
    struct run run;
    char text[CHILD_PROCESS_STATUS_BYTES];
    init(&run);
    run_shell(&run, spec_of(argv));
    child_process_status_text(run.status, text);
    ck_assert_str_eq(text, want);
    fini(&run);
}

START_TEST(the_status_is_told_as_it_was)
{
    expect_status(SHELL("exit 0"), "exit 0");
    expect_status(SHELL("exit 3"), "exit 3");
    expect_status(SHELL("kill -SEGV $$"), "signal 11 (Segmentation fault)");
}
END_TEST

START_TEST(nothing_is_left_behind_by_200_runs)
{
    struct run run;
    init(&run);
    run_shell(&run, spec_of(SHELL("exit 0")));
    pipe_reader_close(&run.out);
    int before = count_descriptors("/proc/self/fd");
    for (int i = 0; i < 200; i++) {
        run_shell(&run, spec_of(SHELL("echo a line; exit 7")));
        pipe_reader_close(&run.out);
        ck_assert(is_childless());
    }
    ck_assert_int_eq(count_descriptors("/proc/self/fd"), before);
    fini(&run);
}
END_TEST

START_TEST(what_it_started_is_killed_when_it_ends)
{
    int ends[2];
    struct run run;
    init(&run);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    struct child_process_spec spec = spec_of(SHELL("sleep 1000 & echo $!; read stop"));
    spec.fds[0] = ends[0];
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    close(ends[0]);
    turn(&run, 1);
    int grandchild = pidfd_open((pid_t)strtol(buf_text(&run.lines), NULL, 10), 0);
    ck_assert_int_ge(grandchild, 0);
    close(ends[1]);
    turn(&run, 0);
    expect_ends(grandchild);
    fini(&run);
}
END_TEST

START_TEST(signals_reach_the_whole_group)
{
    struct run run;
    init(&run);
    struct child_process_spec spec =
        spec_of(SHELL("trap : TERM; (trap 'echo asked; exit' TERM; echo ready; "
                      "while :; do sleep 0.05; done) & wait; wait; exit 9"));
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    turn(&run, 1);
    child_process_signal(&run.child, SIGTERM);
    turn(&run, 0);
    ck_assert_str_eq(buf_text(&run.lines), "ready\nasked\n");
    ck_assert_int_eq(WEXITSTATUS(run.status), 9);
    fini(&run);
}
END_TEST

START_TEST(one_that_ignores_term_is_killed_and_reaped_without_a_call)
{
    struct run run;
    init(&run);
    struct child_process_spec spec =
        spec_of(SHELL("trap '' TERM; echo ready; while :; do sleep 1; done"));
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    turn(&run, 1);
    child_process_signal(&run.child, SIGTERM);
    child_process_fini(&run.child);
    ck_assert_int_eq(run.ended, 0);
    ck_assert(is_childless());
    child_process_fini(&run.child);
    fini(&run);
}
END_TEST

/* Between us and the child: it starts one, and is killed itself. */
static void be_a_parent(int tell)
{
    struct run run;
    init(&run);
    struct child_process_spec spec =
        spec_of(((const char *const[]){"/bin/sleep", "1000", NULL}));
    if (start(&run, &spec) == LEAT_OK)
        (void)!write(tell, &run.child.pid, sizeof run.child.pid);
    for (;;)
        pause();
}

START_TEST(it_ends_when_its_parent_is_killed)
{
    int ends[2];
    pid_t child = 0;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0)
        be_a_parent(ends[1]);
    ck_assert_int_eq(read(ends[0], &child, sizeof child), sizeof child);
    int pidfd = pidfd_open(child, 0);
    ck_assert_int_ge(pidfd, 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    expect_ends(pidfd);
}
END_TEST

START_TEST(its_group_is_noted_while_it_runs_and_can_be_killed_by_that)
{
    static struct child_groups groups;
    struct run run;
    init(&run);
    struct child_process_spec spec = spec_of(SHELL("while :; do sleep 1; done"));
    spec.groups = &groups;
    groups.at[0] = -1; /* taken */
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    ck_assert_int_eq(groups.at[1], run.child.pid);
    child_groups_kill(&groups);
    turn(&run, 0);
    pipe_reader_close(&run.out);
    ck_assert_int_eq(WTERMSIG(run.status), SIGKILL);
    ck_assert_int_eq(groups.at[1], 0);
    spec.argv = SHELL("exit 0");
    run_shell(&run, spec);
    pipe_reader_close(&run.out);
    ck_assert_int_eq(groups.at[0], 0);
    spec.file = "/nowhere";
    ck_assert_int_eq(start(&run, &spec), LEAT_ECONFIG);
    ck_assert_int_eq(groups.at[0], 0);
    for (int i = 0; i < CHILD_GROUPS_MAX; i++)
        groups.at[i] = -1;
    ck_assert_ptr_null(child_groups_place(&groups));
    fini(&run);
}
END_TEST

/* ---- what it is given -------------------------------------------------------------- */

START_TEST(the_environment_is_what_was_given_and_nothing_else)
{
    setenv("SECRET", "of the worker", 1);
    struct child_process_spec spec =
        spec_of(((const char *const[]){"/usr/bin/env", NULL}));
    spec.environment = (const char *const[]){"LEAT_ID=1", "EMPTY=", NULL};
    expect_output(spec, "LEAT_ID=1\nEMPTY=\n");
}
END_TEST

START_TEST(the_directory_is_what_was_given)
{
    struct child_process_spec spec = spec_of(SHELL("pwd -P"));
    spec.directory = "/proc";
    expect_output(spec, "/proc\n");
}
END_TEST

START_TEST(signals_are_as_usual_whatever_ours_are)
{
    sigset_t all;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct child_process_spec spec = spec_of(((const char *const[]){
        "/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL}));
    expect_output(spec, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    sigset_t still;
    sigprocmask(SIG_SETMASK, NULL, &still);
    ck_assert_int_eq(sigismember(&still, SIGUSR1), 1);
}
END_TEST

START_TEST(the_memory_limit_is_in_force)
{
    struct child_process_spec spec = spec_of(SHELL("ulimit -Sd; ulimit -Hd"));
    spec.memory_max_bytes = INT64_C(32) * 1024 * 1024;
    expect_output(spec, "32768\n32768\n");
}
END_TEST

/* An inherited one, opened without O_CLOEXEC, is the worst case. */
START_TEST(it_has_no_descriptors_but_its_own)
{
    struct run run;
    init(&run);
    char folder[64];
    int careless = dup(STDERR_FILENO), given = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    struct child_process_spec spec =
        spec_of(SHELL("echo ready; while :; do sleep 1; done"));
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    turn(&run, 1);
    snprintf(folder, sizeof folder, "/proc/%d/fd", run.child.pid);
    /* The shell keeps none but 0 to 2 open while it waits. */
    ck_assert_int_eq(count_descriptors(folder), 3);
    child_process_fini(&run.child);
    pipe_reader_close(&run.out);
    buf_reset(&run.lines);
    spec.fds[3] = given;
    ck_assert_int_eq(start(&run, &spec), LEAT_OK);
    turn(&run, 1);
    snprintf(folder, sizeof folder, "/proc/%d/fd", run.child.pid);
    ck_assert_int_eq(count_descriptors(folder), 4);
    close(careless);
    close(given);
    fini(&run);
}
END_TEST

/* The worst order: each of ours is where another one has to go. */
START_TEST(descriptors_may_have_any_numbers)
{
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), ends[2];
    struct run run;
    init(&run);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "from 0\n", 7), 7);
    dup2(ends[0], 1); /* what it reads at 0 */
    dup2(ends[1], 2); /* what it writes at 3 */
    close(ends[0]);
    close(ends[1]);
    struct child_process_spec spec = spec_of(SHELL("read x; echo $x; echo to 3 >&3"));
    spec.fds[0] = 1;
    spec.fds[2] = err;
    spec.fds[3] = 2;
    run_shell(&run, spec);
    char back[32] = "";
    ssize_t got = read(1, back, sizeof back - 1);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    ck_assert_int_eq(got, 5);
    ck_assert_str_eq(back, "to 3\n");
    ck_assert_str_eq(buf_text(&run.lines), "from 0\n");
    fini(&run);
}
END_TEST

/* ---- what cannot be run ------------------------------------------------------------ */

static void expect_no_start(struct child_process_spec spec, const char *want)
{
    struct run run;
    init(&run);
    int before = count_descriptors("/proc/self/fd");
    ck_assert_int_eq(start(&run, &spec), LEAT_ECONFIG);
    ck_assert_str_eq(run.err.text, want);
    ck_assert_int_eq(run.child.pid, 0);
    ck_assert(is_childless());
    pipe_reader_close(&run.out);
    ck_assert_int_eq(count_descriptors("/proc/self/fd"), before);
    fini(&run);
}

START_TEST(what_failed_is_named)
{
    expect_no_start(spec_of(((const char *const[]){"/nowhere/to/be/found", NULL})),
                    "/nowhere/to/be/found cannot be run: No such file or directory");
    expect_no_start(spec_of(((const char *const[]){"/etc/passwd", NULL})),
                    "/etc/passwd cannot be run: Permission denied");
    struct child_process_spec spec = spec_of(SHELL("true"));
    spec.directory = "/nowhere";
    expect_no_start(spec,
                    "/bin/sh cannot enter its directory: No such file or directory");
}
END_TEST

START_TEST(a_script_without_an_interpreter_gets_a_hint)
{
    char file[] = "/tmp/leat-test-XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "true\n", 5), 5);
    fchmod(fd, 0700);
    close(fd);
    struct run run;
    init(&run);
    struct child_process_spec spec = spec_of(((const char *const[]){file, NULL}));
    ck_assert_int_eq(start(&run, &spec), LEAT_ECONFIG);
    unlink(file);
    ck_assert_ptr_nonnull(strstr(run.err.text, "Exec format error (does its first line"));
    fini(&run);
}
END_TEST

START_TEST(a_program_that_is_being_written_may_be_run_later)
{
    char file[] = "/tmp/leat-test-XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    fchmod(fd, 0700);
    struct run run;
    init(&run);
    struct child_process_spec spec = spec_of(((const char *const[]){file, NULL}));
    ck_assert_int_eq(start(&run, &spec), LEAT_EBUSY);
    close(fd);
    unlink(file);
    fini(&run);
}
END_TEST

static void expect_found(const char *name, const char *directory, const char *path,
                         const char *want)
{
    char *file = NULL;
    ck_assert_int_eq(child_process_find(name, directory, path, &file, NULL), LEAT_OK);
    ck_assert_str_eq(file, want);
    free(file);
}

static void expect_missing(const char *name, const char *directory, const char *path,
                           const char *want)
{
    char *file = NULL;
    struct err err = {0};
    ck_assert_int_eq(child_process_find(name, directory, path, &file, &err),
                     LEAT_ECONFIG);
    ck_assert_str_eq(err.text, want);
    ck_assert_ptr_null(file);
}

#define NO_SH "no program sh in PATH; elsewhere it needs its folder: ./sh. PATH is "

START_TEST(programs_are_found_as_a_shell_would)
{
    expect_found("sh", NULL, "/nowhere::/bin:/usr/bin", "/bin/sh");
    expect_found("/bin/sh", "/proc", "", "/bin/sh");
    expect_found("bin/sh", "/", "", "//bin/sh");
    ck_assert_int_eq(chdir("/usr"), 0);
    expect_found("bin/env", NULL, "", "/usr/bin/env");
    expect_found("./env", "bin", "", "/usr/bin/./env");
    expect_missing("sh", NULL, "/nowhere", NO_SH "/nowhere");
    expect_missing("sh", NULL, "", NO_SH "empty");
    expect_missing(
        "/nowhere/sh", NULL, "/bin",
        "/nowhere/sh is no program that may be run: No such file or directory");
    expect_missing("etc/passwd", "/", "",
                   "//etc/passwd is no program that may be run: Permission denied");
    expect_missing("/etc", NULL, "", "/etc is no program that may be run: no plain file");
}
END_TEST

START_TEST(folders_in_a_path_that_are_relative_are_passed_over)
{
    ck_assert_int_eq(chdir("/bin"), 0);
    expect_missing("sh", NULL, ".:", NO_SH ".:");
}
END_TEST

SUITE("child_process", the_status_is_told_as_it_was, nothing_is_left_behind_by_200_runs,
      what_it_started_is_killed_when_it_ends, signals_reach_the_whole_group,
      one_that_ignores_term_is_killed_and_reaped_without_a_call,
      it_ends_when_its_parent_is_killed,
      its_group_is_noted_while_it_runs_and_can_be_killed_by_that,
      the_environment_is_what_was_given_and_nothing_else, the_directory_is_what_was_given,
      signals_are_as_usual_whatever_ours_are, the_memory_limit_is_in_force,
      it_has_no_descriptors_but_its_own, descriptors_may_have_any_numbers,
      what_failed_is_named, a_script_without_an_interpreter_gets_a_hint,
      a_program_that_is_being_written_may_be_run_later,
      programs_are_found_as_a_shell_would,
      folders_in_a_path_that_are_relative_are_passed_over)
