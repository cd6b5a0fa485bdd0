#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- UNSCHEDULE: a cancelled job that waits for its time ends at once and uses its cancel up, unless another job did.
-- KEYS 1 sched 2 cancel 3 m 4 ctl 5 slot 6 again 7 queue 8 its record, if it is tracked
-- ARGV 1 id, as it was given to CANCEL 2 the entry 3 keep ms of the record
-- reply   1 | 0 the entry, or the cancel, is not there any more      errors   WRONGTYPE
-- include now
-- include kinds
-- include flight
-- include record
local call = redis.call
local foreign = wrong_kind({'zset', 'hash', 'hash', 'stream', 'hash', 'hash', 'list', false})
if foreign then return foreign end
if not call('ZSCORE', KEYS[1], ARGV[2]) or call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end

call('ZREM', KEYS[1], ARGV[2])
flight_leave(KEYS[5], KEYS[6], KEYS[7], ARGV[2], now())
-- Into a lease and out of it in one step: more ends than came out of leases would be a fault.
for _, field in ipairs({'res', 'fin', 'cancelled'}) do call('HINCRBY', KEYS[3], field, 1) end
local fails = string.match(ARGV[2], '^R1 [^ \n]+ %d+ (%d+)')
if fails and fails ~= '0' then call('HINCRBY', KEYS[3], 'retrying', -1) end
if KEYS[8] then record_add(KEYS[8], ARGV[3], 'state', 'cancelled') end
call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'cancelled', ARGV[1])
return 1
