#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- TRIM: the caps of the dead set and the quarantine; the oldest go, and are counted.
-- KEYS 1 dead 2 bad 3 m      ARGV 1 dead at most 2 bad at most 3 per call at most      reply   removed
-- errors  WRONGTYPE: a key of ours holds something else
-- include kinds
local call = redis.call
local foreign = wrong_kind({'zset', 'list'})
if foreign then return foreign end
local dead = math.min(call('ZCARD', KEYS[1]) - ARGV[1], tonumber(ARGV[3]))
local bad = math.min(call('LLEN', KEYS[2]) - ARGV[2], tonumber(ARGV[3]))
if dead > 0 then
  call('ZREMRANGEBYRANK', KEYS[1], 0, dead - 1)
  call('HINCRBY', KEYS[3], 'trimmed_dead', dead)
end
if bad > 0 then
  call('RPOP', KEYS[2], bad)
  call('HINCRBY', KEYS[3], 'trimmed_bad', bad)
end
return math.max(dead, 0) + math.max(bad, 0)
