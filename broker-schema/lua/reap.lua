#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- REAP: jobs of leases past their deadline go back, with one more delivery. It never ends a job. First time: to the
-- head, to run as usual; from the second on: to the suspects, each to run alone.
-- After a silence of the whole fleet or of Redis nothing expires at once: living holders get time to extend.
-- KEYS 1 lease 2 body 3 staging 4 suspects 5 m      ARGV 1 leases at most
-- reply   {leases, jobs, suspects waiting, now, waiting in staging, {lease id, its jobs, ...}}
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
-- include header
local call, pcall = redis.call, redis.pcall
local LONGEST_MS, SILENCE_MS, GRACE_MS = 3600000, 5000, 10000

-- Every worker asks this once a second, mostly for nothing. So each key is read first by a command of its kind, which
-- is the question for the kinds, too; and what an empty set of leases answers is not asked for.
local found = {pcall('ZCARD', KEYS[1]), pcall('HLEN', KEYS[2]), pcall('LLEN', KEYS[3]), pcall('LLEN', KEYS[4]),
  pcall('HGET', KEYS[5], 'seen')}
for i = 1, #KEYS do
  if type(found[i]) == 'table' then return wrong_kind({'zset', 'hash', 'list', 'list'}) or found[i] end
end
local leases, bodies, staged, suspects = unpack(found, 1, 4)
local seen, clock = tonumber(found[5] or '0'), now()
call('HSET', KEYS[5], 'seen', string.format('%d', clock))

local function leases_between(from, to, most)
  if leases == 0 then return {} end
  return call('ZRANGEBYSCORE', KEYS[1], from, to, 'LIMIT', 0, most)
end

-- A deadline beyond the longest lease: the clock went back.
local far = leases_between('(' .. string.format('%d', clock + LONGEST_MS), '+inf', 100)
for i = 1, #far do call('ZADD', KEYS[1], 'XX', clock + LONGEST_MS, far[i]) end

-- Bodies without a deadline (somebody deleted the set of leases) would lie there for ever.
if bodies > leases then
  local ids = call('HKEYS', KEYS[2])
  for i = 1, #ids do call('ZADD', KEYS[1], 'NX', clock + GRACE_MS, ids[i]) end
end

if clock - seen > SILENCE_MS then
  local late = leases_between('-inf', clock, -1)
  for i = 1, #late do call('ZADD', KEYS[1], 'XX', clock + GRACE_MS, late[i]) end
  return {0, 0, suspects, clock, staged, {}}
end

local function delivered_again(entry, lease, index)
  local iid, deliveries, fails, tokens, start = read_header(entry)
  if not iid then
    return 1, write_header(lease .. '.' .. index, 1, 0, ' t=' .. string.format('%d', clock)) .. entry
  end
  return deliveries + 1, write_header(iid, deliveries + 1, fails, tokens) .. string.sub(entry, start)
end

local ids = leases_between('-inf', clock, ARGV[1])
local total, taken = 0, {}
for a = 1, #ids do
  local packed = call('HGET', KEYS[2], ids[a])
  if packed then
    local jobs = cmsgpack.unpack(packed)
    for i = #jobs, 1, -1 do
      local deliveries, entry = delivered_again(jobs[i], ids[a], i - 1)
      call('RPUSH', deliveries >= 2 and KEYS[4] or KEYS[3], entry)
      if deliveries >= 2 then suspects = suspects + 1 else staged = staged + 1 end
    end
    call('HDEL', KEYS[2], ids[a])
    call('HINCRBY', KEYS[5], 'fin', #jobs)
    call('HINCRBY', KEYS[5], 'recovered', #jobs)
    total = total + #jobs
    taken[#taken + 1] = ids[a]
    taken[#taken + 1] = #jobs
  end
  call('ZREM', KEYS[1], ids[a])
end
return {#ids, total, suspects, clock, staged, taken}
