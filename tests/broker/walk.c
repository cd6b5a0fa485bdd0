/* SPDX-License-Identifier: MIT */
#include "walk.h"
#include "schema/entry.h"

#include <stdio.h>
#include <stdlib.h>

struct rig rig;
struct walk walk;

/* Source: xorshift64, Marsaglia 2003. */
int walk_below(int bound)
{
    walk.random ^= walk.random << 13;
    walk.random ^= walk.random >> 7;
    walk.random ^= walk.random << 17;
    return (int)(walk.random % (uint64_t)bound);
}

void walk_add_words(const char *const *words)
{
    while (*words != NULL)
        cmd_adds(&rig.client.cmd, *words++);
}

int walk_number_of(const char *raw)
{
    struct entry entry;
    if (entry_read(&entry, bytes_of(raw)) != 0)
        entry.payload = bytes_of(raw);
    return (int)strtol(entry.payload.at, NULL, 10);
}

void walk_drop_lease(int i)
{
    walk.leases[i] = walk.leases[--walk.lease_count];
}

const char *walk_next_id(char out[24])
{
    snprintf(out, 24, "w%d-%d", walk_below(WORKERS), walk.lease_next++);
    return out;
}

void walk_end_job(int number)
{
    ck_assert_int_eq(walk.fate[number], WAITS);
    walk.fate[number] = ENDED;
}

const struct redisReply *walk_send(void)
{
    const struct cmd *cmd = &rig.client.cmd;
    struct sent *kept = &walk.sent[walk.sent_count++ % SENT];
    kept->script = cmd->script;
    kept->count = cmd->count;
    kept->word = arena_alloc(&rig.arena, (size_t)cmd->count * sizeof *kept->word);
    for (int i = 0; i < cmd->count; i++)
        kept->word[i] = rig_text(&rig, (struct bytes){cmd->word[i], cmd->len[i]});
    const struct redisReply *reply = rig_call(&rig);
    ck_assert_msg(reply != NULL, "%s", rig.err.text);
    return reply;
}
