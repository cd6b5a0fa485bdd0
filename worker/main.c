/* SPDX-License-Identifier: MIT */
/* leat-worker: takes jobs from queues and runs them. */
#include "base/log.h"
#include "worker/feed.h"
#include "worker/settings.h"
#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static int fail(const struct err *err)
{
    fprintf(stderr, "leat: %s\n", err->text);
    return err_exit_status(err->code);
}

/* Each queue needs two connections, each fetch one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    worker_stop(watcher->data);
}

static int run(const struct worker_config *config)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    struct worker worker;
    ev_signal term, interrupt;
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    term.data = interrupt.data = &worker;
    ev_signal_start(loop, &term);
    ev_signal_start(loop, &interrupt);
    worker_init(&worker, loop, config);
    ev_run(loop, 0);
    struct err fatal = worker.fatal;
    log_info("stopped", log_number("done", worker.done),
             log_number("failed", worker.failed));
    worker_fini(&worker);
    ev_loop_destroy(loop);
    return fatal.code != LEAT_OK ? fail(&fatal) : 0;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct err err = {0};
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (settings_read(&settings, argc, argv, &err) != LEAT_OK)
        return fail(&err);
    log_settings_use(&settings.log);
    int status = run(&settings.worker);
    settings_fini(&settings);
    return status;
}
