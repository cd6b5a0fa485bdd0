#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- CANCEL: a job is to end unworked, or to be stopped. Its id is kept for a while, for it may wait anywhere; workers
-- that hold it hear of it at once.
-- KEYS 1 cancel 2 ctl      ARGV 1 id 2 keep ms 3 nonce of the stream that answers go to 4 ids kept at most
-- reply   1      errors   FULL <ids> <max> | WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
local SWEPT = 100 -- looked at each time, at random; all of them when there is no room
local call = redis.call
local foreign = wrong_kind({'hash', 'stream'})
if foreign then return foreign end
local clock, keep, most = now(), tonumber(ARGV[2]), tonumber(ARGV[4])

local function sweep(ids)
  for i = 1, #ids, 2 do
    if (tonumber(ids[i + 1]) or 0) < clock then call('HDEL', KEYS[1], ids[i]) end
  end
end

sweep(call('HRANDFIELD', KEYS[1], SWEPT, 'WITHVALUES'))
if call('HEXISTS', KEYS[1], ARGV[1]) == 0 and call('HLEN', KEYS[1]) >= most then
  sweep(call('HGETALL', KEYS[1]))
  local kept = call('HLEN', KEYS[1])
  if kept >= most then return redis.error_reply('FULL ' .. kept .. ' ' .. ARGV[4]) end
end
local till = string.format('%d', clock + keep)
call('HSET', KEYS[1], ARGV[1], till)
if call('PTTL', KEYS[1]) < keep then call('PEXPIRE', KEYS[1], ARGV[2]) end
call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'cancel', ARGV[1], 're', ARGV[3], 'until', till)
return 1
