#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- RESERVE: pop up to N jobs into one body under one lease with one deadline. A lease id is used once, ever.
-- KEYS 1 queue 2 high 3 staging 4 suspects 5 lease 6 body 7 bad 8 m
-- ARGV 1 lease id 2 jobs at most 3 ttl ms 4 bytes at most 5 bytes of an entry at most 6 '1': a suspect first
--      7 if given: the entry that a bell moved to staging, this one or none
-- reply   {packed jobs, microseconds of Redis TIME} | 0 empty | -2 paused
-- errors  DUPLEASE | WRONGTYPE: a key of ours holds something else
local FIRST, MOST = 16, 128 -- jobs popped at once: before anything is weighed; later
local NEAR = 100 -- how far what a bell moved is looked for, from the end where it came in
local budget, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
local jobs, used, oversize = {}, 0, false

-- A command that fails in the middle (a foreign key with our name, a right that is missing) must not leave jobs popped
-- and nowhere: what was taken goes back to the head, in order, a suspect to the suspects. Quicker than to look at every
-- key's type first.
local home = KEYS[3]
local function give_back()
  for i = #jobs, 1, -1 do redis.call('RPUSH', home, jobs[i]) end
end

local pcall = redis.pcall
local function call(...)
  local reply = pcall(...)
  if type(reply) == 'table' and reply.err then
    give_back()
    error(reply)
  end
  return reply
end

-- How many of n to pop at once: as many as will fit, if they are like those before.
local function portion(n)
  if #jobs == 0 then return math.min(n, FIRST) end
  return math.min(n, MOST, math.max(1, math.floor((budget - used) * #jobs / used)))
end

-- Take up to n from the right end of a list.
local function take(list, n)
  while n > 0 and used < budget do
    local got = call('RPOP', list, portion(n))
    if not got then return n end
    for i = 1, #got do
      jobs[#jobs + 1] = got[i]
      used = used + #got[i]
      if #got[i] > longest then oversize = true end
    end
    n = n - #got
  end
  return n
end

-- Of equal entries it does not matter which; one that is not near any more is left to whoever reserves next.
local function take_rung(entry)
  if not call('LPOS', KEYS[3], entry, 'MAXLEN', NEAR) then return end
  call('LREM', KEYS[3], 1, entry)
  jobs[1], used, oversize = entry, #entry, #entry > longest
end

-- What is longer than any job can be goes to the quarantine, unread.
local function quarantine()
  for i = #jobs, 1, -1 do
    if #jobs[i] > longest then
      call('LPUSH', KEYS[7], jobs[i])
      used = used - #table.remove(jobs, i)
      call('HINCRBY', KEYS[8], 'bad', 1)
    end
  end
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

if call('HGET', KEYS[8], 'paused') then return -2 end
if ARGV[6] == '1' and take(KEYS[4], 1) == 0 then home = KEYS[4] end
if ARGV[7] then
  take_rung(ARGV[7])
elseif #jobs == 0 then
  take_share(take(KEYS[3], tonumber(ARGV[2])))
end
if oversize then quarantine() end
if #jobs == 0 then return 0 end
while used > budget and #jobs > 1 do -- the tail goes back to the head, in order
  local last = table.remove(jobs)
  used = used - #last
  redis.call('RPUSH', KEYS[3], last)
end
local body = cmsgpack.pack(jobs)
if call('HSETNX', KEYS[6], ARGV[1], body) == 0 then
  give_back()
  return redis.error_reply('DUPLEASE ' .. ARGV[1])
end
local time = redis.call('TIME')
local dated = pcall('ZADD', KEYS[5], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
if type(dated) == 'table' then
  redis.call('HDEL', KEYS[6], ARGV[1])
  give_back()
  return dated
end
call('HINCRBY', KEYS[8], 'res', #jobs)
return {body, time[1] * 1000000 + time[2]}
