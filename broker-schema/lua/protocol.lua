#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- PROTOCOL: a worker that speaks this number of the protocol works here; the highest stays.
-- KEYS 1 protocol      ARGV 1 number      reply   the number that is there now
-- errors  WRONGTYPE: the key holds something else
local call = redis.call
local text = call('GET', KEYS[1])
local there = text and string.match(text, '^%d+$') or not text and '0'
if not there then return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' holds no number: delete it') end
if tonumber(there) >= tonumber(ARGV[1]) then return tonumber(there) end
call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
