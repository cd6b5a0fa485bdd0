/* SPDX-License-Identifier: MIT */
#include "worker/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 * 1024 * 1024 }; /* a system's have a quarter of one */

/* A pipe would give its text only once, and others may have no end. */
static int check_file(const char *path, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, LEAT_ECONFIG, "ca-file %s cannot be read: %s", path,
                       strerror(errno));
    int is_usable = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                    status.st_size <= FILE_BYTES_MAX;
    close(fd);
    return is_usable ? LEAT_OK
                     : err_set(err, LEAT_ECONFIG,
                               "ca-file %s is no regular file of at most %d bytes", path,
                               FILE_BYTES_MAX);
}

/* As libcurl takes it in: with one that makes no sense, all are refused. */
static int has_certificates(const char *path)
{
    X509_STORE *store = X509_STORE_new();
    int has = store != NULL && X509_STORE_load_file(store, path) == 1;
    X509_STORE_free(store);
    ERR_clear_error();
    return has;
}

int ca_file_check(const char *path, struct err *err)
{
    int code = check_file(path, err);
    if (code == LEAT_OK && !has_certificates(path))
        code = err_set(err, LEAT_ECONFIG,
                       "ca-file %s holds no certificates in PEM, or one that is broken: "
                       "`openssl x509 -in FILE -text` shows one",
                       path);
    return code;
}
