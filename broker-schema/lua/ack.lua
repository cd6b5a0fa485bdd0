#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- ACK: the whole lease is done; its increments, summed per counter, take effect in the same step.
-- KEYS 1 lease 2 body 3 m 4 counters      ARGV 1 lease id 2 jobs 3.. pairs of counter and delta
-- reply   1 done | 0 the lease is gone, nothing changed | {name, error, ...} refused counters, nothing changed
-- errors  WRONGTYPE: a key of ours holds something else
-- include counters
-- include kinds
local call = redis.call
local foreign = wrong_kind({'zset'})
if foreign then return foreign end
if call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end -- fence of an effect
if #ARGV > 2 then
  local refused = add_all(KEYS[4], 3, #ARGV)
  if refused then return refused end
end
call('HDEL', KEYS[2], ARGV[1])
call('ZREM', KEYS[1], ARGV[1])
call('HINCRBY', KEYS[3], 'fin', ARGV[2])
call('HINCRBY', KEYS[3], 'done', ARGV[2])
return 1
