/* SPDX-License-Identifier: MIT */
#include "books.h"
#include "past.h"

/* Ids of follow-ups that are tracked: increments, which no handler gives back. */
static const char *const begun[] = {"pushed", "late", "then", "once"};

enum { BEGUN = sizeof begun / sizeof *begun, OTHERS = 3 };

enum {
#define X(member, suffix) KEY_##member,
    QUEUE_KEYS(X)
#undef X
        QUEUE_KEY_COUNT
};

/* KEYS: the queue, its other keys in the order of QUEUE_KEYS, the two copies, the record
 * of `task`, those of the above; ARGV: the above. */
static const char look[] =
    "local queue, high, staging, suspects, bad, lease, body, sched, dead, fail, meta, "
    "counters, slot, again, ctl, cancel, page, other, task = unpack(KEYS) "
    "local call, m, said = redis.call, {}, {} "
    "local function say(name, value) "
    "  if value ~= 0 then said[#said + 1] = name .. '=' .. value end end "
    "local function pairs_of(key, each) "
    "  local flat = call('HGETALL', key) "
    "  for i = 1, #flat, 2 do each(flat[i], flat[i + 1]) end end "
    "pairs_of(meta, function(name, value) m[name] = tonumber(value) end) "
    "local function count(name) return m[name] or 0 end "
    "local waiting, twins, known = 0, 0, {} "
    "for i = 1, 4 do "
    "  local entries = call('LRANGE', KEYS[i], 0, -1) "
    "  waiting = waiting + #entries "
    "  for _, entry in ipairs(entries) do "
    "    twins = twins + (known[entry] or 0) "
    "    known[entry] = 1 end end "
    "local held, strays = 0, 0 "
    "pairs_of(body, function(id, packed) "
    "  held = held + #cmsgpack.unpack(packed) "
    "  if not call('ZSCORE', lease, id) then strays = strays + 1 end end) "
    "local graves = call('ZCARD', dead) + call('LLEN', bad) "
    "local ended = count('done') + count('merged') + count('expired') "
    "  + count('cancelled') "
    "local stored = waiting + call('ZCARD', sched) + call('HLEN', again) + graves "
    "say('jobs', stored + count('res') - count('fin') + ended) "
    "say('waiting', waiting) say('twins', twins) "
    "say('sched', call('ZCARD', sched)) say('again', call('HLEN', again)) "
    "say('lease', call('ZCARD', lease)) say('body', call('HLEN', body)) "
    "say('held', held) say('strays', strays) say('slot', call('HLEN', slot)) "
    "say('unbalanced', count('res') - count('fin') - held) "
    "say('ended', ended) say('retry', count('retry')) say('retrying', count('retrying')) "
    "say('dead', call('ZCARD', dead)) say('bad', call('LLEN', bad)) "
    "say('tombs', count('dead') + count('bad') - graves) "
    "say('failures', call('LLEN', fail)) say('recovered', count('recovered')) "
    "say('cancelled', count('cancelled')) say('cancel', call('HLEN', cancel)) "
    "local sums = {} "
    "pairs_of(counters, function(name, value) sums[#sums + 1] = name .. '=' .. value "
    "end) "
    "table.sort(sums) "
    "for _, sum in ipairs(sums) do said[#said + 1] = sum end "
    "for i = 17, 18 do "
    "  local kept = call('HGET', KEYS[i], 'body') "
    "  if kept then said[#said + 1] = 'copy=' .. kept end end "
    "local last = call('XREVRANGE', task, '+', '-', 'COUNT', 1)[1] "
    "if last then said[#said + 1] = 'record=' .. table.concat(last[2], ':') end "
    "for i, id in ipairs(ARGV) do "
    "  local states = {} "
    "  for _, entry in ipairs(call('XRANGE', KEYS[19 + i], '-', '+')) do "
    "    states[#states + 1] = entry[2][2] end "
    "  if #states > 0 then said[#said + 1] = id .. '=' .. table.concat(states, ',') end "
    "end "
    "return table.concat(said, ' ')";

static void add_keys(struct cmd *cmd, const struct queue *queue)
{
    cmd_adds(cmd, queue->list);
#define X(member, suffix) cmd_adds(cmd, queue->member);
    QUEUE_KEYS(X)
#undef X
    cmd_addf(cmd, "%scache:page", queue->prefix);
    cmd_addf(cmd, "%scache:other", queue->prefix);
    cmd_addf(cmd, "%st:task", queue->prefix);
    for (int i = 0; i < BEGUN; i++)
        cmd_addf(cmd, "%st:%s", queue->prefix, begun[i]);
}

void books_read(struct buf *out, struct client *client, const struct queue *queue)
{
    cmd_set(&client->cmd, "EVAL", look, NULL);
    cmd_add_int(&client->cmd, 1 + QUEUE_KEY_COUNT + OTHERS + BEGUN);
    add_keys(&client->cmd, queue);
    for (int i = 0; i < BEGUN; i++)
        cmd_adds(&client->cmd, begun[i]);
    struct bytes line = reply_bytes(past_call(client));
    buf_add(out, line.at, line.len);
}

void books_burn(struct client *client, const struct queue *queue)
{
    cmd_set(&client->cmd, "DEL", NULL);
    add_keys(&client->cmd, queue);
    past_call(client);
    PAST(client, "SREM", QUEUES_KEY, queue->name);
}
