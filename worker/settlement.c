/* SPDX-License-Identifier: MIT */
#include "worker/settlement.h"
#include "broker/script_call.h"

#include <assert.h>
#include <stdlib.h>

void settlement_reset(struct settlement *settlement)
{
    settlement->jobs = settlement->plain = settlement->claims = 0;
    cmd_reset(&settlement->args);
}

void settlement_fini(struct settlement *settlement)
{
    cmd_fini(&settlement->args);
    free(settlement->cache_keys);
}

void settlement_add(struct settlement *settlement, enum outcome outcome)
{
    assert(settlement->jobs < LIMIT_LEASE_JOBS);
    settlement->letters[settlement->jobs++] = (char)outcome;
    settlement->plain += outcome == OUTCOME_DONE;
}

void settlement_claim(struct settlement *settlement, struct bytes cache_key)
{
    if (settlement->claims == settlement->claims_size) {
        settlement->claims_size =
            settlement->claims_size ? 2 * settlement->claims_size : 16;
        settlement->cache_keys =
            xrealloc(settlement->cache_keys,
                     (size_t)settlement->claims_size * sizeof *settlement->cache_keys);
    }
    settlement->cache_keys[settlement->claims++] = cache_key;
}

static int live_rows(const struct tally *tally)
{
    int live = 0;
    for (int i = 0; i < tally->count; i++)
        live += tally->row[i].sum != 0;
    return live;
}

static void add_sums(struct cmd *cmd, const struct tally *tally)
{
    for (int i = 0; i < tally->count; i++)
        if (tally->row[i].sum != 0) {
            cmd_add(cmd, tally->row[i].name);
            cmd_add_int(cmd, tally->row[i].sum);
        }
}

void settlement_write(struct settlement *settlement, struct cmd *cmd,
                      const struct queue *queue, const char *lease,
                      const struct tally *tally)
{
    if (settlement->plain == settlement->jobs) {
        call_ack(cmd, queue, lease, settlement->jobs);
        add_sums(cmd, tally);
        return;
    }
    call_settle(cmd, queue, settlement->cache_keys, settlement->claims);
    cmd_adds(cmd, lease);
    cmd_add(cmd, (struct bytes){settlement->letters, (size_t)settlement->jobs});
    cmd_add_int(cmd, live_rows(tally));
    add_sums(cmd, tally);
    for (int i = 0; i < settlement->args.count; i++)
        cmd_add(cmd, (struct bytes){settlement->args.word[i], settlement->args.len[i]});
}
