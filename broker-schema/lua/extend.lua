#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- EXTEND: move the deadlines of leases whose jobs still run.
-- KEYS 1 lease      ARGV 1 ttl ms 2.. lease ids      reply   the ids that are gone: drop their results
-- include now
local gone = {}
local deadline = now() + ARGV[1]
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', deadline, ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return gone
