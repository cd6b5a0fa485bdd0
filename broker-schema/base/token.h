/* SPDX-License-Identifier: MIT */
/* A token that programs share with those who call them or are called: in a file, so that
 * it stands in no list of processes. */
#ifndef LEAT_BASE_TOKEN_H
#define LEAT_BASE_TOKEN_H

#include "base/err.h"

enum { TOKEN_CHARS_MIN = 16, TOKEN_CHARS_MAX = 256 };

/* Read the first line of a file: TOKEN_CHARS_MIN to TOKEN_CHARS_MAX visible ASCII
 * characters. `*is_public` tells whether others than the file's owner and group may read
 * it.
 * Errors: LEAT_ECONFIG, saying what to do. */
int token_read(char token[TOKEN_CHARS_MAX + 1], const char *path, int *is_public,
               struct err *err);

#endif
