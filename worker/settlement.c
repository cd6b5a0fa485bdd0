/* SPDX-License-Identifier: MIT */
#include "worker/settlement.h"
#include "broker/script_call.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void settlement_reset(struct settlement *settlement)
{
    settlement->jobs = settlement->plain = settlement->grows = 0;
    settlement->target_count = 0;
    settlement->stay_lease = NULL;
    settlement->stay_ttl_ms = 0;
    cmd_reset(&settlement->args);
    cmd_reset(&settlement->cache_keys);
    cmd_reset(&settlement->records);
    cmd_reset(&settlement->begun);
    cmd_reset(&settlement->tails);
}

void settlement_fini(struct settlement *settlement)
{
    cmd_fini(&settlement->args);
    cmd_fini(&settlement->cache_keys);
    cmd_fini(&settlement->records);
    cmd_fini(&settlement->begun);
    cmd_fini(&settlement->tails);
    free(settlement->targets);
}

void settlement_add(struct settlement *settlement, enum outcome outcome)
{
    assert(settlement->jobs < LIMIT_LEASE_JOBS);
    settlement->letters[settlement->jobs++] = (char)outcome;
    settlement->plain += outcome == OUTCOME_DONE;
}

void settlement_tails(struct settlement *settlement, struct bytes out, struct bytes err)
{
    assert(out.len <= LIMIT_TAIL_BYTES && err.len <= LIMIT_TAIL_BYTES);
    if (out.len + err.len == 0)
        return;
    cmd_add_int(&settlement->tails, settlement->jobs - 1);
    cmd_add(&settlement->tails, out);
    cmd_add(&settlement->tails, err);
}

void settlement_claim(struct settlement *settlement, struct bytes cache_key)
{
    cmd_add(&settlement->cache_keys, cache_key);
}

void settlement_stay(struct settlement *settlement, const char *lease, int64_t ttl_ms)
{
    assert(settlement->stay_lease == NULL);
    settlement->stay_lease = lease;
    settlement->stay_ttl_ms = ttl_ms;
}

int settlement_target(struct settlement *settlement, const struct queue *target)
{
    for (int i = 0; i < settlement->target_count; i++)
        if (strcmp(settlement->targets[i]->name, target->name) == 0)
            return i;
    if (settlement->target_count == settlement->target_size) {
        settlement->target_size =
            settlement->target_size ? 2 * settlement->target_size : 8;
        settlement->targets =
            xrealloc(settlement->targets, /* NOLINTNEXTLINE: they are pointers */
                     (size_t)settlement->target_size * sizeof *settlement->targets);
    }
    settlement->targets[settlement->target_count] = target;
    settlement->grows = 1;
    return settlement->target_count++;
}

void settlement_track(struct settlement *settlement, struct bytes record_key)
{
    char *letter = &settlement->letters[settlement->jobs - 1];
    assert(settlement->jobs > 0 && islower((unsigned char)*letter));
    settlement->plain -= *letter == OUTCOME_DONE;
    *letter = (char)toupper((unsigned char)*letter);
    cmd_add(&settlement->records, record_key);
}

void settlement_grow(struct settlement *settlement)
{
    settlement->grows = 1;
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

static void begin(const struct settlement *settlement, struct cmd *cmd,
                  const struct queue *queue, const char *lease)
{
    const struct settle_head head = {lease, settlement->stay_lease,
                                     settlement->stay_ttl_ms};
    const struct script_keys more = {
        .claims = &settlement->cache_keys,
        .targets = settlement->targets,
        .target_count = settlement->target_count,
        .records = &settlement->records,
        .begun = &settlement->begun,
    };
    if (settlement->grows)
        script_settle_grow(cmd, queue, &head, &more);
    else
        script_settle(cmd, queue, &head, &more);
}

void settlement_write(struct settlement *settlement, struct cmd *cmd,
                      const struct queue *queue, const char *lease,
                      const struct tally *tally)
{
    if (settlement->plain == settlement->jobs) {
        script_ack(cmd, queue, lease, settlement->jobs);
        add_sums(cmd, tally);
        return;
    }
    begin(settlement, cmd, queue, lease);
    cmd_add(cmd, (struct bytes){settlement->letters, (size_t)settlement->jobs});
    cmd_add_int(cmd, live_rows(tally));
    add_sums(cmd, tally);
    cmd_join(cmd, &settlement->args);
    cmd_join(cmd, &settlement->tails);
}
