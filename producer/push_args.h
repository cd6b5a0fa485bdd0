/* SPDX-License-Identifier: MIT */
/* The JSON in a job from the words of a command line. */
#ifndef LEAT_PRODUCER_PUSH_ARGS_H
#define LEAT_PRODUCER_PUSH_ARGS_H

#include "base/buf.h"
#include "base/err.h"

/* Append a JSON object made of `count` words: `key=text`, `key:=json`, `key=@file` (the
 * file's text). Errors: LEAT_EUSAGE, LEAT_EDATA. */
int push_args_words(struct buf *out, const char *const *words, size_t count,
                    struct err *err);

/* Append what `--args` gave: JSON, or with "-" what stands on standard input.
 * Errors: LEAT_EDATA. */
int push_args_json(struct buf *out, const char *given, struct err *err);

/* Append what `--then` gave: JSON, or with `@` the text of a file. Errors: LEAT_EDATA. */
int push_args_then(struct buf *out, const char *given, struct err *err);

#endif
