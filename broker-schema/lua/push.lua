#!lua
-- SPDX-License-Identifier: MIT
-- PUSH: a numbered batch of a producer. Sent again, it adds nothing. Refused when memory is full.
-- KEYS 1 queue 2 m 3 p:<producer> 4.. records of the tracked jobs among them
-- ARGV 1 number of the batch, from 1   2.. entries (<= 500)
-- reply   1 pushed | 0 was pushed before      errors   GAP <last> | FULL <length> <max> | WRONGTYPE
-- include kinds
-- include record
if #KEYS > 3 then
  local foreign = wrong_kind(record_kinds({'list', 'hash', 'string'}, 4))
  if foreign then return foreign end
end
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
local number = tonumber(ARGV[1])
if number <= last then return 0 end
if number > last + 1 then return redis.error_reply('GAP ' .. string.format('%d', last)) end
local max = tonumber(redis.call('HGET', KEYS[2], 'maxlen') or '')
if max then
  local length = redis.call('LLEN', KEYS[1])
  if length + #ARGV - 1 > max then return redis.error_reply('FULL ' .. length .. ' ' .. string.format('%d', max)) end
end
redis.call('LPUSH', KEYS[1], unpack(ARGV, 2))
redis.call('SET', KEYS[3], ARGV[1], 'PX', 3600000)
if #KEYS > 3 then record_pushed(4, 'state', 'queued') end
return 1
