#!lua flags=no-writes
-- SPDX-License-Identifier: MIT
-- AUDIT: the sums of a queue, all of one instant. What would take too long to count is not counted.
-- KEYS 1 queue 2 high 3 staging 4 suspects 5 lease 6 body 7 sched 8 dead 9 bad 10 m
-- ARGV 1 entries to look at, at most 2 bytes, at most 3 longest lease ms 4 longest delay ms
-- reply   {waiting in the four lists, leases, bodies, entries in bodies or -1, scheduled, of them with fails or -1,
--          dead, bad, leases with a deadline too far ahead, scheduled too far ahead, died in the future,
--          m as a flat list}
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
local CHUNK, CLOCK_MS = 100, 60000 -- entries read at once; how far a clock may have gone back unsuspected
local call = redis.call
local foreign = wrong_kind({'list', 'list', 'list', 'list', 'zset', 'hash', 'zset', 'zset', 'list'})
if foreign then return foreign end
local most, budget = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = now()

-- How many strings a body says it has: the head of a msgpack array.
local function announced(packed)
  local head, high, low = string.byte(packed, 1, 3)
  if head and head >= 0x90 and head <= 0x9f then return head - 0x90 end
  if head == 0xdc and low then return high * 256 + low end
end

local function entries_in_bodies()
  if call('HLEN', KEYS[6]) > most then return -1 end
  local ids, bytes, total = call('HKEYS', KEYS[6]), 0, 0
  for i = 1, #ids do bytes = bytes + call('HSTRLEN', KEYS[6], ids[i]) end
  if bytes > budget then return -1 end
  for i = 1, #ids do
    local count = announced(call('HGET', KEYS[6], ids[i]))
    if not count then return -1 end
    total = total + count
  end
  return total
end

local function scheduled_with_fails()
  local count, bytes, total = call('ZCARD', KEYS[7]), 0, 0
  if count > most then return -1 end
  for at = 0, count - 1, CHUNK do
    local page = call('ZRANGE', KEYS[7], at, at + CHUNK - 1)
    for i = 1, #page do
      local fails = string.match(page[i], '^R1 [^ \n]+ %d+ (%d+)')
      if fails and tonumber(fails) > 0 then total = total + 1 end
      bytes = bytes + #page[i]
    end
    if bytes > budget then return -1 end
  end
  return total
end

local function beyond(key, ms)
  return call('ZCOUNT', key, '(' .. string.format('%d', clock + ms), '+inf')
end

return {
  call('LLEN', KEYS[1]) + call('LLEN', KEYS[2]) + call('LLEN', KEYS[3]) + call('LLEN', KEYS[4]),
  call('ZCARD', KEYS[5]), call('HLEN', KEYS[6]), entries_in_bodies(), call('ZCARD', KEYS[7]), scheduled_with_fails(),
  call('ZCARD', KEYS[8]), call('LLEN', KEYS[9]),
  beyond(KEYS[5], ARGV[3]), beyond(KEYS[7], ARGV[4] + CLOCK_MS), beyond(KEYS[8], CLOCK_MS),
  call('HGETALL', KEYS[10]),
}
