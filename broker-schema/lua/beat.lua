#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- BEAT: a worker lives and says how it is; the records of workers that did not for ten minutes go.
-- KEYS 1 workers 2 seen      ARGV 1 worker id 2 record      reply   records that went
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
local call = redis.call
local GONE_MS, AT_ONCE = 600000, 100
local foreign = wrong_kind({'hash', 'zset'})
if foreign then return foreign end
local clock = now()
call('HSET', KEYS[1], ARGV[1], ARGV[2])
call('ZADD', KEYS[2], clock, ARGV[1])
local gone = call('ZRANGEBYSCORE', KEYS[2], '-inf', clock - GONE_MS, 'LIMIT', 0, AT_ONCE)
if #gone > 0 then
  call('HDEL', KEYS[1], unpack(gone))
  call('ZREM', KEYS[2], unpack(gone))
end
return #gone
