/* SPDX-License-Identifier: MIT */
#include "base/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read the beginning of a file. Returns its length, or -1 with errno. */
static ssize_t read_start(const char *path, char *out, size_t size, int *is_public)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t len = read(fd, out, size);
    int error = errno;
    *is_public = fstat(fd, &status) == 0 && (status.st_mode & S_IROTH) != 0;
    close(fd);
    errno = error;
    return len;
}

static size_t visible_len(const char *text, size_t len)
{
    size_t visible = 0;
    while (visible < len && text[visible] > ' ' && text[visible] < 0x7f)
        visible++;
    return visible;
}

int token_read(char token[TOKEN_CHARS_MAX + 1], const char *path, int *is_public,
               struct err *err)
{
    char start[TOKEN_CHARS_MAX + 1];
    int readable = 0;
    ssize_t got = read_start(path, start, sizeof start, &readable);
    if (got < 0)
        return err_set(err, LEAT_ECONFIG, "cannot read the token in %s: %s", path,
                       strerror(errno));
    size_t len = visible_len(start, (size_t)got);
    int is_line = len == (size_t)got || start[len] == '\n';
    if (!is_line || len < TOKEN_CHARS_MIN || len > TOKEN_CHARS_MAX)
        return err_set(err, LEAT_ECONFIG,
                       "the first line of %s is no token: %d to %d visible ASCII "
                       "characters, as `head -c 24 /dev/urandom | base64` prints",
                       path, TOKEN_CHARS_MIN, TOKEN_CHARS_MAX);
    memcpy(token, start, len);
    token[len] = '\0';
    *is_public = readable;
    return LEAT_OK;
}
