/* SPDX-License-Identifier: MIT */
/* leat-worker: takes jobs from queues and runs them. */
#include "base/places.h"
#include "worker/master.h"
#include "worker/process.h"
#include "worker/title.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const struct err *err)
{
    fprintf(stderr, "leat: %s\n", err->text);
    return err_exit_status(err->code);
}

static int end(struct settings *settings, int status)
{
    settings_fini(settings);
    free(settings);
    return status;
}

static int run_alone(struct settings *settings)
{
    struct process_config config = {.worker = &settings->worker};
    return end(settings, process_run(&config));
}

int main(int argc, char **argv)
{
    struct err err = {0};
    places_fill();
    title_init(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would reap our children */
    struct settings *settings = xcalloc(1, sizeof *settings);
    if (settings_read(settings, argc, argv, &err) != LEAT_OK) {
        free(settings);
        return fail(&err);
    }
    log_settings_use(&settings->log);
    if (settings->check_only)
        return end(settings, 0);
    if (settings->processes == 0)
        return run_alone(settings);
    return master_run(settings, argc, argv);
}
