#!lua
-- SPDX-License-Identifier: MIT
-- SCHEDULE: a numbered batch that becomes due later. Entries carry a header, so equal payloads stay apart.
-- KEYS 1 sched 2 p:<producer> 3 ctl 4.. records of the tracked jobs among them
-- ARGV 1 number of the batch   2 'in' or 'at'   3 ms   4.. entries (<= 500)
-- reply   1 scheduled | 0 was scheduled before      errors   GAP <last> | WRONGTYPE
-- include now
-- include kinds
-- include record
local SOON_MS = 1500 -- sooner than a tick is sure to look
local foreign = wrong_kind(record_kinds({'zset', 'string', 'stream'}, 4))
if foreign then return foreign end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local number = tonumber(ARGV[1])
if number <= last then return 0 end
if number > last + 1 then return redis.error_reply('GAP ' .. string.format('%d', last)) end
local at = now()
local due = tonumber(ARGV[3])
if ARGV[2] == 'in' then due = at + due end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
for i = 4, #ARGV do redis.call('ZADD', KEYS[1], 'NX', due, ARGV[i]) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', 3600000)
if due < at + SOON_MS and (not first[2] or due < tonumber(first[2])) then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'due', string.format('%d', due))
end
record_pushed(4, 'state', 'scheduled', 'due', string.format('%d', due))
return 1
