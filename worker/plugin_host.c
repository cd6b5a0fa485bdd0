/* SPDX-License-Identifier: MIT */
/* leat-plugin FILE: loads a plugin and runs its jobs, one after the other, as a worker's
 * child that speaks lines. leat-plugin --check FILE only loads it: see plugin_trial.h. */
#include "base/places.h"
#include "worker/plugin_job.h"
#include "worker/plugin_trial.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- loading ----------------------------------------------------------------------- */

enum { FIRST_BYTES = offsetof(struct leat_plugin, close) + sizeof(void (*)(void)) };

static int check(const struct leat_plugin *plugin, const char *file, struct err *err)
{
    if (plugin->abi != LEAT_PLUGIN_ABI)
        return err_set(err, LEAT_ECONFIG,
                       "%s was built for abi %u of leat-plugin.h, this leat has %d: "
                       "build it with the header of this leat",
                       file, plugin->abi, LEAT_PLUGIN_ABI);
    if (plugin->size < FIRST_BYTES)
        return err_set(err, LEAT_ECONFIG,
                       "%s: its leat_plugin has a size of %u, not at least %d: begin it "
                       "with LEAT_PLUGIN_BEGIN",
                       file, plugin->size, FIRST_BYTES);
    if (plugin->run == NULL)
        return err_set(err, LEAT_ECONFIG, "%s: its leat_plugin has no run()", file);
    if (plugin->in_flight > LIMIT_IN_FLIGHT)
        return err_set(err, LEAT_ECONFIG,
                       "%s: its leat_plugin has an in_flight of %u, allowed is 0 to %d",
                       file, plugin->in_flight, LIMIT_IN_FLIGHT);
    return LEAT_OK;
}

/* It stays loaded until the process ends: threads of its own may still be in it. */
static int load(const struct leat_plugin **out, const char *file, struct err *err)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return err_set(err, LEAT_ECONFIG, "cannot be loaded: %s", dlerror());
    const struct leat_plugin *plugin = dlsym(handle, "leat_plugin");
    if (plugin == NULL)
        return err_set(err, LEAT_ECONFIG,
                       "%s is no plugin of leat: it defines no leat_plugin "
                       "(see leat-plugin.h)",
                       file);
    int code = check(plugin, file, err);
    if (code == LEAT_OK)
        *out = plugin;
    return code;
}

static int begin(const struct leat_plugin *plugin, const char *file, struct err *err)
{
    assert(plugin != NULL); /* it was loaded */
    int status = plugin->open != NULL ? plugin->open() : 0;
    if (status != 0)
        return err_set(err, LEAT_EBUSY, "%s: its open() returned %d", file, status);
    return LEAT_OK;
}

/* How it would be unloaded is not asked. */
static void end_check(struct plugin_pipe *pipe, const struct err *err)
{
    buf_adds(&pipe->out, err->code == LEAT_OK ? PLUGIN_TRIAL_LOADED : err->text);
    plugin_pipe_close(pipe);
    _exit(err_exit_status(err->code));
}

/* ---- running ----------------------------------------------------------------------- */

static void say_hello(const struct leat_plugin *plugin, struct plugin_pipe *pipe)
{
    buf_addf(&pipe->out, "{\"in_flight\":%u}\n",
             plugin->in_flight > 0 ? plugin->in_flight : 1);
    plugin_pipe_flush(pipe);
}

static void run_all(const struct leat_plugin *plugin, struct plugin_pipe *pipe)
{
    struct plugin_job job;
    plugin_job_init(&job, pipe);
    say_hello(plugin, pipe);
    while (plugin_pipe_next(pipe, &job.line)) {
        if (!plugin_job_begin(&job))
            continue; /* a cancel of a job that is over, say */
        if (!plugin_pipe_cancels(pipe, job.handle))
            plugin->run(&job.job);
        plugin_job_end(&job);
    }
    plugin_job_fini(&job);
}

static int fail(const struct err *err)
{
    fprintf(stderr, "leat-plugin: %s\n", err->text);
    return err_exit_status(err->code);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct plugin_pipe pipe;
    const struct leat_plugin *plugin = NULL;
    int only_checks = argc == 3 && strcmp(argv[1], "--check") == 0;
    const char *file = argv[argc - 1];
    places_fill();
    if (argc != 2 && !only_checks) {
        fprintf(stderr, "Usage: leat-plugin FILE\nA worker starts it: see kind = plugin "
                        "in leat-worker(1).\n");
        return err_exit_status(LEAT_EUSAGE);
    }
    if (plugin_pipe_open(&pipe) != 0) {
        err_set(&err, LEAT_EBUG, "its pipes: %s", strerror(errno));
        return fail(&err);
    }
    int code = load(&plugin, file, &err);
    if (only_checks)
        end_check(&pipe, &err);
    if (code != LEAT_OK || begin(plugin, file, &err) != LEAT_OK)
        return fail(&err);
    run_all(plugin, &pipe);
    plugin_pipe_close(&pipe);
    if (plugin->close != NULL)
        plugin->close();
    return 0;
}
