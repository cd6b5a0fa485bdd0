#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- REMOVE: an operator deletes a dead or quarantined entry, named by its exact bytes.
-- KEYS 1 dead 2 bad 3 m      ARGV 1 'dead' or 'bad' 2 the entry      reply   1 | 0 not there
-- errors  WRONGTYPE: a key of ours holds something else
-- include kinds
local call = redis.call
local foreign = wrong_kind({'zset', 'list'})
if foreign then return foreign end
local found
if ARGV[1] == 'dead' then found = call('ZREM', KEYS[1], ARGV[2]) else found = call('LREM', KEYS[2], 1, ARGV[2]) end
if found > 0 then call('HINCRBY', KEYS[3], 'removed', 1) end
return found
