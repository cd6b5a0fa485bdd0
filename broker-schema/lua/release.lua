#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- RELEASE: give whole leases back to the head, as they are; no delivery is counted. For leases whose reply was lost,
-- and at shutdown.
-- KEYS 1 lease 2 body 3 m 4 staging 5 suspects      ARGV lease ids      reply   jobs given back
-- errors  WRONGTYPE: a key of ours holds something else
-- include kinds
local call = redis.call
local foreign = wrong_kind({'zset', 'hash', 'hash', 'list', 'list'})
if foreign then return foreign end
local total = 0
for a = 1, #ARGV do
  local packed = call('HGET', KEYS[2], ARGV[a])
  if packed then
    local jobs = cmsgpack.unpack(packed)
    for i = #jobs, 1, -1 do
      local deliveries = string.match(jobs[i], '^R1 [^ \n]+ (%d+)')
      call('RPUSH', tonumber(deliveries or 0) >= 2 and KEYS[5] or KEYS[4], jobs[i])
    end
    call('HDEL', KEYS[2], ARGV[a])
    call('ZREM', KEYS[1], ARGV[a])
    call('HINCRBY', KEYS[3], 'fin', #jobs)
    call('HINCRBY', KEYS[3], 'back', #jobs)
    total = total + #jobs
  end
end
return total
