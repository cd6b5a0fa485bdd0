/* SPDX-License-Identifier: MIT */
/* The master is a program of its own. What it logs goes where all else goes, and tells
 * when its reload has ended. */
#include "act.h"
#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 60000, LOOK_MS = 5 };

static _Noreturn void be_master(const struct stage *stage)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* its processes notice */
    execl(LEAT_WORKER, "leat worker", "-p", "1", "-q", stage->queue.name, "--redis",
          stage->url, NULL);
    _exit(127);
}

static int have_ended(struct stage *stage, int64_t jobs)
{
    return reply_int(DO(stage, "HGET", stage->queue.meta, "done"), 0) == jobs;
}

/* Three jobs come, and are waited for; or the reload's end. Returns whether that came. */
static int push_and_wait(struct stage *stage, const char *const *jobs, int64_t ended,
                         const char *logged)
{
    int64_t end_ms = clock_mono_ms() + DEADLINE_MS;
    act_push(stage, &stage->queue, jobs);
    while (!have_ended(stage, ended) || !act_logged(logged)) {
        if (clock_mono_ms() > end_ms)
            return 0;
        poll(NULL, 0, LOOK_MS);
    }
    return 1;
}

int act_reload(struct stage *stage, const char *const *jobs, int64_t count)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        be_master(stage);
    int came = push_and_wait(stage, jobs, count, "");
    kill(pid, SIGHUP);
    came = came && push_and_wait(stage, jobs, 2 * count, "result=renewed") &&
           push_and_wait(stage, jobs, 3 * count, "");
    kill(pid, came ? SIGTERM : SIGKILL);
    if (!came)
        fprintf(stderr, "the jobs, or the reload, hang\n");
    return waitpid(pid, &status, 0) == pid && came ? status : -1;
}
