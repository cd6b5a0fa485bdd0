#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- RESERVE: pop up to N jobs into one body under one lease with one deadline. A lease id is used once, ever.
-- KEYS 1 queue 2 high 3 staging 4 suspects 5 lease 6 body 7 bad 8 m
-- ARGV 1 lease id 2 jobs at most 3 ttl ms 4 bytes at most 5 bytes of an entry at most 6 '1': a suspect first
-- reply   packed jobs | 0 empty | -2 paused      errors   DUPLEASE | WRONGTYPE
-- include now
-- include kinds
local call = redis.call
local CHUNK = 16 -- what is popped before it is weighed
local foreign = wrong_kind({'list', 'list', 'list', 'list', 'zset', 'hash', 'list'})
if foreign then return foreign end
if call('HGET', KEYS[8], 'paused') then return -2 end
if call('HEXISTS', KEYS[6], ARGV[1]) == 1 then return redis.error_reply('DUPLEASE ' .. ARGV[1]) end
local budget, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
local jobs, used, refused = {}, 0, 0

-- Take up to n from the right end of a list; what is longer than any job can be goes to the quarantine.
local function take(list, n)
  while n > 0 and used < budget do
    local got = call('RPOP', list, n < CHUNK and n or CHUNK)
    if not got then return n end
    for i = 1, #got do
      if #got[i] > longest then
        call('LPUSH', KEYS[7], got[i])
        refused = refused + 1
      else
        jobs[#jobs + 1] = got[i]
        used = used + #got[i]
      end
    end
    n = n - #got
  end
  return n
end

-- Every fifth job from the queue while both lists have some; `turn` counts on from call to call, for a portion of
-- fewer than five must not mean that the queue gets nothing.
local function take_share(n)
  if n < 1 or call('LLEN', KEYS[2]) == 0 then return take(KEYS[1], n) end
  local turn = call('HINCRBY', KEYS[8], 'turn', n)
  local share = math.floor(turn / 5) - math.floor((turn - n) / 5)
  local left = share + take(KEYS[2], n - share)
  left = take(KEYS[1], left)
  return take(KEYS[2], left)
end

if ARGV[6] == '1' then take(KEYS[4], 1) end
if #jobs == 0 then take_share(take(KEYS[3], tonumber(ARGV[2]))) end
if refused > 0 then call('HINCRBY', KEYS[8], 'bad', refused) end
if #jobs == 0 then return 0 end
while used > budget and #jobs > 1 do -- the tail goes back to the head, in order
  used = used - #jobs[#jobs]
  call('RPUSH', KEYS[3], jobs[#jobs])
  jobs[#jobs] = nil
end
local body = cmsgpack.pack(jobs)
call('HSET', KEYS[6], ARGV[1], body)
call('ZADD', KEYS[5], now() + ARGV[3], ARGV[1])
call('HINCRBY', KEYS[8], 'res', #jobs)
return body
