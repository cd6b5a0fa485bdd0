#!lua flags=no-writes
-- SPDX-License-Identifier: MIT
-- COUNT: one consistent look at a queue.
-- KEYS 1 queue 2 high 3 staging 4 suspects 5 lease 6 sched 7 dead 8 bad 9 m      ARGV 1 how many ms ahead is soon
-- reply   {queue, high, staging, suspects, leases, scheduled, due soon, ms until the next is due or -1, dead, bad, now,
--          oldest entry of the queue or '', m as a flat list}
-- include now
local call = redis.call
local clock = now()
local first = call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')
local oldest = call('LINDEX', KEYS[1], -1) or ''
if #oldest > 8192 then oldest = '' end
return {
  call('LLEN', KEYS[1]), call('LLEN', KEYS[2]), call('LLEN', KEYS[3]), call('LLEN', KEYS[4]), call('ZCARD', KEYS[5]),
  call('ZCARD', KEYS[6]), call('ZCOUNT', KEYS[6], '-inf', clock + ARGV[1]),
  first[2] and math.max(0, tonumber(first[2]) - clock) or -1,
  call('ZCARD', KEYS[7]), call('LLEN', KEYS[8]), clock, oldest, call('HGETALL', KEYS[9]),
}
