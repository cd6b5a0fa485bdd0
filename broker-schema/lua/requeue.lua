#!lua
-- SPDX-License-Identifier: MIT
-- REQUEUE: a dead or quarantined entry, named by its exact bytes, goes back to the queue.
-- KEYS 1 queue 2 dead 3 bad 4 m      ARGV 1 'dead' or 'bad' 2 the entry 3 the entry to push      reply   1 | 0 not there
-- errors  WRONGTYPE: a key of ours holds something else
-- include kinds
local call = redis.call
local foreign = wrong_kind({'list', 'zset', 'list'})
if foreign then return foreign end
local found
if ARGV[1] == 'dead' then found = call('ZREM', KEYS[2], ARGV[2]) else found = call('LREM', KEYS[3], 1, ARGV[2]) end
if found == 0 then return 0 end
call('LPUSH', KEYS[1], ARGV[3])
call('HINCRBY', KEYS[4], 'requeued', 1)
return 1
