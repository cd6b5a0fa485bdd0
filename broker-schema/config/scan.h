/* SPDX-License-Identifier: MIT */
/* A look at a configuration's text before libConfuse reads it. Version 3.3 counts lines
 * wrongly behind a comment, takes a section that is never closed for a whole one, skips
 * characters it does not know, and after a string that is never closed reads the next
 * text, too, as if it stood in that string: fatal for a program that reads its files
 * again. So comments become blanks here, and what would mislead it is refused. Pure. */
#ifndef LEAT_CONFIG_SCAN_H
#define LEAT_CONFIG_SCAN_H

#include "base/err.h"

#include <stddef.h>

/* Blank out comments (`# …`, `// …`, and those of C) in `text`, which ends with a NUL at
 * `len`; lines stay where they are. `name` is the file's for messages.
 * Errors: LEAT_ECONFIG, `NAME:LINE: …`: strings, comments, braces and ${…} that are not
 * closed, escapes other than \" and \\, `+=`, control characters, stray `*` and `+`. */
int scan_text(char *text, size_t len, const char *name, struct err *err);

#endif
