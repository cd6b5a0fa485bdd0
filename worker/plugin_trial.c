/* SPDX-License-Identifier: MIT */
#include "worker/plugin_trial.h"
#include "worker/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct trial {
    struct ev_loop *loop;
    struct child_process child;
    int has_ended, wait_status;
};

static void on_exited(void *arg, int wait_status)
{
    struct trial *trial = arg;
    trial->has_ended = 1;
    trial->wait_status = wait_status;
    ev_break(trial->loop, EVBREAK_ALL);
}

static void on_late(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Returns when the child has ended, killed if it took too long. */
static int run_child(struct trial *trial, const struct child_process_spec *spec,
                     struct err *err)
{
    ev_timer late;
    int code =
        child_process_start(&trial->child, trial->loop, spec, on_exited, trial, err);
    if (code != LEAT_OK)
        return code;
    ev_timer_init(&late, on_late, PLUGIN_TRIAL_S, 0);
    ev_timer_start(trial->loop, &late);
    ev_run(trial->loop, 0);
    ev_timer_stop(trial->loop, &late);
    child_process_fini(&trial->child);
    return LEAT_OK;
}

static int judge(const struct trial *trial, const char *file, const char *said,
                 struct err *err)
{
    char how[CHILD_PROCESS_STATUS_BYTES];
    if (strcmp(said, PLUGIN_TRIAL_LOADED) == 0)
        return LEAT_OK;
    if (said[0] != '\0')
        return err_set(err, LEAT_ECONFIG, "file: %s", said);
    if (!trial->has_ended)
        return err_set(err, LEAT_ECONFIG,
                       "file: %s could not be loaded within %d s: does a constructor of "
                       "it wait?",
                       file, PLUGIN_TRIAL_S);
    child_process_status_text(trial->wait_status, how);
    return err_set(err, LEAT_ECONFIG,
                   "file: %s could not be loaded: the process that did so ended with %s",
                   file, how);
}

/* What the child wrote is there when it has ended. It fits the pipe, so that nothing has
 * to be read before; and whoever else holds its end is not waited for. */
int plugin_trial_run(const char *file, struct child_process_spec *spec, struct err *err)
{
    char said[sizeof err->text] = "";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, LEAT_EBUSY, "no pipe can be made: %s", strerror(errno));
    struct trial trial = {.loop = ev_loop_new(EVFLAG_AUTO)};
    spec->fds[STDOUT_FILENO] = ends[1];
    spec->fds[STDERR_FILENO] = STDERR_FILENO; /* what it complains of is for the user */
    int code = run_child(&trial, spec, err);
    if (code == LEAT_OK && read(ends[0], said, sizeof said - 1) < 0)
        said[0] = '\0';
    if (code == LEAT_OK)
        code = judge(&trial, file, said, err);
    ev_loop_destroy(trial.loop);
    close(ends[0]);
    close(ends[1]);
    return code;
}
