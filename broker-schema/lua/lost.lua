#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- LOST: jobs were taken back from workers, by REAP: a note for people, kept for ten minutes after the last.
-- KEYS 1 lost      ARGV pairs of worker id and jobs      reply   notes that there are now
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
local call = redis.call
local KEPT_MS = 600000
local foreign = wrong_kind({'hash'})
if foreign then return foreign end
local clock = now()
local notes = call('HGETALL', KEYS[1])
for i = 1, #notes, 2 do
  local at = tonumber(string.match(notes[i + 1], '^%d+ (%d+)$') or '0')
  if at < clock - KEPT_MS then call('HDEL', KEYS[1], notes[i]) end
end
for i = 1, #ARGV, 2 do
  local before = tonumber(string.match(call('HGET', KEYS[1], ARGV[i]) or '', '^%d+') or '0')
  call('HSET', KEYS[1], ARGV[i], string.format('%d %d', before + ARGV[i + 1], clock))
end
call('PEXPIRE', KEYS[1], KEPT_MS)
return call('HLEN', KEYS[1])
