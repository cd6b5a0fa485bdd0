/* SPDX-License-Identifier: MIT */
#include "broker/cmd.h"
#include "broker/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void cmd_fini(struct cmd *cmd)
{
    free(cmd->word);
    free(cmd->len);
    arena_fini(&cmd->scratch);
    buf_fini(&cmd->digits);
    *cmd = (struct cmd){0};
}

void cmd_reset(struct cmd *cmd)
{
    cmd->count = 0;
    cmd->script = NULL;
    arena_reset(&cmd->scratch);
}

void cmd_add(struct cmd *cmd, struct bytes word)
{
    if (cmd->count == cmd->size) {
        cmd->size = cmd->size ? 2 * cmd->size : 16;
        cmd->word = xrealloc(cmd->word, (size_t)cmd->size * sizeof *cmd->word);
        cmd->len = xrealloc(cmd->len, (size_t)cmd->size * sizeof *cmd->len);
    }
    cmd->word[cmd->count] = word.at;
    cmd->len[cmd->count++] = word.len;
}

void cmd_replace(struct cmd *cmd, int index, const char *word)
{
    assert(index < cmd->count);
    cmd->word[index] = word;
    cmd->len[index] = strlen(word);
}

void cmd_adds(struct cmd *cmd, const char *word)
{
    cmd_add(cmd, bytes_of(word));
}

void cmd_add_int(struct cmd *cmd, int64_t number)
{
    buf_reset(&cmd->digits);
    buf_add_int(&cmd->digits, number);
    const char *kept = arena_dup(&cmd->scratch, buf_bytes(&cmd->digits));
    cmd_add(cmd, (struct bytes){kept, cmd->digits.len});
}

void cmd_addf(struct cmd *cmd, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = arena_alloc(&cmd->scratch, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    cmd_add(cmd, (struct bytes){at, (size_t)len});
}

void cmd_join(struct cmd *cmd, const struct cmd *words)
{
    for (int i = 0; i < words->count; i++)
        cmd_add(cmd, (struct bytes){words->word[i], words->len[i]});
}

void cmd_call(struct cmd *cmd, const struct script *script, int key_count)
{
    cmd_reset(cmd);
    cmd->script = script;
    cmd_adds(cmd, "EVALSHA");
    cmd_adds(cmd, script->sha);
    cmd_add_int(cmd, key_count);
}

void cmd_set(struct cmd *cmd, ...)
{
    va_list words;
    va_start(words, cmd);
    cmd_reset(cmd);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;)
        cmd_adds(cmd, word);
    va_end(words);
}
