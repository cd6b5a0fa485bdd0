/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one file ---------------------------------------------------------------------- */

/* A pipe gives its text once, if at all; HUP wants it again. */
static int is_pipe(int fd)
{
    struct stat what;
    return fstat(fd, &what) == 0 && S_ISFIFO(what.st_mode);
}

static int cannot_read(struct err *err, const char *path)
{
    return err_set(err, LEAT_ECONFIG, "cannot read %s: %s", path, strerror(errno));
}

/* Read at most one byte more than is allowed. Returns the length, or -1 with errno. */
static ssize_t read_all(int fd, char *out)
{
    ssize_t len = 0, got = 1;
    while (got > 0 && len <= CONFIG_BYTES_MAX) {
        got = read(fd, out + len, (size_t)(CONFIG_BYTES_MAX + 1 - len));
        len += got > 0 ? got : 0;
    }
    return got < 0 ? -1 : len;
}

static int read_text(int fd, const char *path, char *out, size_t *len, struct err *err)
{
    if (is_pipe(fd))
        return err_set(err, LEAT_ECONFIG, "%s is a pipe: settings stand in a file", path);
    ssize_t got = read_all(fd, out);
    if (got < 0)
        return cannot_read(err, path);
    if (got > CONFIG_BYTES_MAX)
        return err_set(err, LEAT_ECONFIG, "%s is longer than %d bytes", path,
                       CONFIG_BYTES_MAX);
    *len = (size_t)got;
    return LEAT_OK;
}

/* `may_lack`: that there is no such file is no error. O_NONBLOCK: a pipe that nobody
 * writes to must not keep us. */
static int add_file(struct config *config, const char *path, int may_lack,
                    struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return may_lack && (errno == ENOENT || errno == ENOTDIR) ? LEAT_OK
                                                                 : cannot_read(err, path);
    char *text = xmalloc(CONFIG_BYTES_MAX + 1);
    size_t len = 0;
    int code = read_text(fd, path, text, &len, err);
    if (code == LEAT_OK)
        code = config_add(config, path, (struct bytes){text, len}, err);
    free(text);
    close(fd);
    return code;
}

/* ---- drop-ins ---------------------------------------------------------------------- */

static int is_drop_in(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > strlen(".conf") &&
           strcmp(entry->d_name + len - strlen(".conf"), ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_drop_ins(struct config *config, const char *folder, struct err *err)
{
    struct dirent **found;
    int count = scandir(folder, &found, is_drop_in, by_bytes), code = LEAT_OK;
    if (count < 0)
        return errno == ENOENT || errno == ENOTDIR ? LEAT_OK : cannot_read(err, folder);
    if (count > CONFIG_DROP_INS_MAX)
        code = err_set(err, LEAT_ECONFIG, "%s holds %d files, at most %d are read",
                       folder, count, CONFIG_DROP_INS_MAX);
    for (int i = 0; i < count; i++) {
        if (code == LEAT_OK)
            code = add_file(
                config, arena_printf(&config->arena, "%s/%s", folder, found[i]->d_name),
                0, err);
        free(found[i]);
    }
    free(found);
    return code;
}

/* ---- all of them ------------------------------------------------------------------- */

int config_open(struct config *config, const char *given, struct err *err)
{
    const char *path = given != NULL ? given : getenv("LEAT_CONFIG");
    int is_default = path == NULL;
    *config = (struct config){0};
    if (is_default)
        path = CONFIG_DEFAULT_FILE;
    if (path[0] == '\0')
        return LEAT_OK;
    config->main_file = arena_dup(&config->arena, bytes_of(path));
    int code = add_file(config, path, is_default, err);
    if (code == LEAT_OK)
        code = add_drop_ins(config, arena_printf(&config->arena, "%s.d", path), err);
    if (code != LEAT_OK)
        config_fini(config);
    return code;
}
