#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- READ: a copy for somebody who reads it, counted. A stale one is to be asked for again by one of its readers, every
-- 10 s, unless a flight is under way.
-- KEYS 1 cache:<key> 2 slot 3 body 4 m
-- ARGV 1 '1' count this reader, '0' it was counted 2 '1' it has waited
-- reply   {'hit' | 'stale' | 'miss', now, ms until the copy goes or -1, {body, type, etag, fetched, fresh, lm},
--         job to push again or ''} | {'pending'} no copy yet, but its flight is under way or waits | {'unknown'}
-- include now
-- include kinds
-- include flight
local call = redis.call
local ASK_MS, ALONE_MS = 10000, 3600000
local foreign = wrong_kind({})
if foreign then return foreign end
local clock = now()
local copy = call('HMGET', KEYS[1], 'body', 'type', 'etag', 'fetched', 'fresh', 'lm')
local lease, till = string.match(call('HGET', KEYS[2], 'c:' .. redis.sha1hex(KEYS[1])) or '', '^[^ ]+ ([^ ]+) (%d+)$')
local pending = flight_lives(lease, till, KEYS[3], clock)

local function count(what)
  if ARGV[1] ~= '1' then return end
  call('HINCRBY', KEYS[1], what, 1)
  call('HINCRBY', KEYS[4], what, 1)
end

if not copy[4] then
  if not pending then return {'unknown'} end
  count('misses')
  call('PEXPIRE', KEYS[1], ALONE_MS) -- counts without a copy go by themselves
  return {'pending'}
end
local fresh = clock < (tonumber(copy[5]) or 0)
count(ARGV[2] == '1' and 'misses' or fresh and 'hits' or 'stale')
local job = ''
if not fresh and not pending and clock - (tonumber(call('HGET', KEYS[1], 'asked') or '') or 0) >= ASK_MS then
  job = call('HGET', KEYS[1], 'job') or ''
  call('HSET', KEYS[1], 'asked', string.format('%d', clock))
end
local state = ARGV[2] == '1' and 'miss' or fresh and 'hit' or 'stale'
return {state, clock, call('PTTL', KEYS[1]), copy, job}
