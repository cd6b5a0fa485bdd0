/* SPDX-License-Identifier: MIT */
#include "beside.h"
#include "child.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The folder of the running binary, without the last slash. */
static void own_folder(char *out, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", out, size - 1);
    out[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash != NULL)
        *slash = '\0';
}

const char *beside_find(const char *name, struct arena *arena, struct err *err)
{
    static const char *const places[] = {"%s/leat-%s",
                                         "%s/" LEAT_PROGRAMS_FROM_BIN "/leat-%s"};
    char folder[4096];
    own_folder(folder, sizeof folder);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = arena_printf(arena, places[i], folder, name);
        if (access(path, F_OK) == 0)
            return path;
    }
    err_set(err, LEAT_ECONFIG,
            "'leat %s' is the program leat-%s, which is installed neither in %s nor in "
            "%s/" LEAT_PROGRAMS_FROM_BIN,
            name, name, folder, folder);
    return NULL;
}

int beside_run(const char *path, char *const argv[], struct err *err)
{
    pid_t pid;
    int status, error = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    if (error != 0)
        return err_set(err, LEAT_ECONFIG, "cannot start %s: %s", path, strerror(error));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return child_exit_status(status);
}
