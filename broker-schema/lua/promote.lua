#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- PROMOTE: what is due goes to the queue.
-- KEYS 1 sched 2 queue 3 m      ARGV 1 jobs at most (<= 500)      reply   {moved, ms until the next is due, or -1}
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
local call, pcall = redis.call, redis.pcall
local KINDS = {'zset', 'list'}

-- Every worker asks this once a second, mostly for nothing: the kinds matter only where something moves.
local first = pcall('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first.err then return wrong_kind(KINDS) or first end
if not first[2] then return {0, -1} end
local clock = now()
if tonumber(first[2]) > clock then return {0, tonumber(first[2]) - clock} end
local foreign = wrong_kind(KINDS)
if foreign then return foreign end

local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', clock, 'LIMIT', 0, ARGV[1])
local retries = 0
for i = 1, #due do
  local fails = string.match(due[i], '^R1 [^ \n]+ %d+ (%d+)')
  if fails and fails ~= '0' then retries = retries + 1 end
end
call('LPUSH', KEYS[2], unpack(due))
call('ZREMRANGEBYRANK', KEYS[1], 0, #due - 1)
if retries > 0 then call('HINCRBY', KEYS[3], 'retrying', -retries) end
first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not first[2] then return {#due, -1} end
return {#due, math.max(0, tonumber(first[2]) - clock)}
