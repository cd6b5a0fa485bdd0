#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- PURGE: an operator deletes what waits, the oldest first: of the queue, then of high, staging and suspects.
-- KEYS 1 queue 2 high 3 staging 4 suspects 5 m 6 slot 7 again      ARGV 1 jobs at most (<= 500)      reply   removed
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
-- include flight
local CHUNK = 16 -- what is in memory at once: anybody may have pushed anything
local call = redis.call
local foreign = wrong_kind({'list', 'list', 'list', 'list'})
if foreign then return foreign end
local clock, most = now(), tonumber(ARGV[1])
local removed = 0
for list = 1, 4 do
  while removed < most do
    local entries = call('RPOP', KEYS[list], math.min(CHUNK, most - removed))
    if not entries then break end
    for i = 1, #entries do flight_leave(KEYS[6], KEYS[7], KEYS[1], entries[i], clock) end
    removed = removed + #entries
  end
end
if removed > 0 then call('HINCRBY', KEYS[5], 'purged', removed) end
return removed
