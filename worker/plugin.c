/* SPDX-License-Identifier: MIT */
#include "worker/plugin.h"
#include "worker/handler.h"
#include "worker/lines.h"
#include "worker/plugin_trial.h"
#include "worker/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Write the path of leat-plugin, which is where this program is. Returns 0, or -1. */
static int find_host(char out[PATH_MAX])
{
    static const char name[] = "leat-plugin";
    ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - sizeof name);
    if (len <= 0)
        return -1;
    out[len] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return -1;
    memcpy(slash + 1, name, sizeof name);
    return access(out, X_OK);
}

/* Its first bytes only: to load it is to run it, which its own process does. */
static int is_shared_object(const char *path)
{
    Elf64_Ehdr head = {0}; /* the fields that count are where 32 bits have them */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, &head, sizeof head) : -1;
    if (fd >= 0)
        close(fd);
    return got >= (ssize_t)sizeof(Elf32_Ehdr) &&
           memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_DYN;
}

static int check(const struct handler_config *config, struct err *err)
{
    char host[PATH_MAX];
    const char *file = config->keys.file;
    if (file == NULL)
        return err_set(err, LEAT_ECONFIG,
                       "file is missing: say which shared object to load, as in "
                       "file = \"/usr/local/lib/thumbnail.so\"");
    if (access(file, R_OK) != 0)
        return err_set(err, LEAT_ECONFIG, "file: %s: %s", file, strerror(errno));
    if (!is_shared_object(file))
        return err_set(err, LEAT_ECONFIG,
                       "file: %s is no shared object: build it with cc -shared -fPIC",
                       file);
    if (find_host(host) != 0)
        return err_set(err, LEAT_ECONFIG,
                       "file: %s needs the program leat-plugin, which is not beside "
                       "leat-worker",
                       file);
    return LEAT_OK;
}

/* The file's whole path: its process may begin in another directory, and what has no
 * slash would be looked for where the system's libraries are. */
static void find_program(struct program *program, struct handler_keys keys,
                         int only_checks)
{
    char host[PATH_MAX] = "leat-plugin", file[PATH_MAX];
    find_host(host);
    if (realpath(keys.file, file) == NULL)
        snprintf(file, sizeof file, "%s", keys.file);
    keys.command = only_checks ? (struct opt_list){{host, "--check", file}, 3}
                               : (struct opt_list){{host, file}, 2};
    program_init(program, &keys);
}

static int try_plugin(const struct handler_config *config, struct err *err)
{
    struct program program;
    find_program(&program, config->keys, 1);
    struct child_process_spec spec = program_keys_spec(&program, &config->keys);
    int code = plugin_trial_run(config->keys.file, &spec, err);
    program_fini(&program);
    return code;
}

static void *open_plugin(struct handler *handler)
{
    struct program program;
    find_program(&program, handler->config->keys, 0);
    return lines_open(handler, &program);
}

const struct handler_kind plugin_kind = {
    .name = "plugin",
    .check = check,
    .try = try_plugin,
    .open = open_plugin,
    .close = lines_close,
    .capacity = lines_capacity,
    .start = lines_start,
    .stop = lines_stop,
    .kill = lines_kill,
};
