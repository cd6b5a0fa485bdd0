/* SPDX-License-Identifier: MIT */
/* A command being put together: its words are borrowed until it is sent, numbers and
 * formatted words live in the command itself. Meant to be kept and reset, so that the hot
 * path does not allocate. */
#ifndef LEAT_BROKER_CMD_H
#define LEAT_BROKER_CMD_H

#include "base/buf.h"

#include <stdint.h>

struct script;

struct cmd {
    const char **word;
    size_t *len;
    int count, size;
    const struct script *script; /* set when the command calls one */
    struct arena scratch;
    struct buf digits; /* of a number, before they go to `scratch` */
};

/* Free what the command owns. A zeroed cmd is an empty one. */
void cmd_fini(struct cmd *cmd);

/* Forget the words, keep the memory. */
void cmd_reset(struct cmd *cmd);

/* Append a word: bytes, a terminated string, a number, formatted text. */
void cmd_add(struct cmd *cmd, struct bytes word);
void cmd_adds(struct cmd *cmd, const char *word);
void cmd_add_int(struct cmd *cmd, int64_t number);
void cmd_addf(struct cmd *cmd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append all words of another; they stay borrowed from it. */
void cmd_join(struct cmd *cmd, const struct cmd *words);

/* Put another word, borrowed as well, in the place of one that was appended. */
void cmd_replace(struct cmd *cmd, int index, const char *word);

/* Reset, and begin a call of a script with `key_count` keys; keys and arguments
 * follow. */
void cmd_call(struct cmd *cmd, const struct script *script, int key_count);

/* Reset, and set all words of a plain command; the list ends with NULL. */
void cmd_set(struct cmd *cmd, ...) __attribute__((sentinel));

#endif
