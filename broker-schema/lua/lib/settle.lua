-- SPDX-License-Identifier: MIT
-- SETTLE itself: read the form, look whether the lease lives, check everything, then write.
local why
form, why = read_form()
if not form then return unfit(why) end
local foreign = wrong_kind(kinds_of(form))
if foreign then return foreign end
local id, letters, at = ARGV[1], form.letters, form.at
local new = new_leases(form)

if call('HEXISTS', KEYS[2], id) == 0 then -- fence
  for i = 1, #new do reply[i + 1] = call('HEXISTS', KEYS[2], new[i]) == 1 and 'run' or 'gone' end
  reply[1] = 0
  return reply
end

local jobs = cmsgpack.unpack(call('HGET', KEYS[2], id))
if #jobs ~= #letters then return unfit(#letters .. ' outcomes for ' .. #jobs .. ' jobs') end
for i = 1, #jobs do
  if letters[i] == 's' and ARGV[at[i]] == '' and not iid_of(jobs[i]) then return unfit('job ' .. i .. ' has no iid') end
end
local named = {}
for i = 1, #new do
  if named[new[i]] or call('HEXISTS', KEYS[2], new[i]) == 1 then return redis.error_reply('DUPLEASE ' .. new[i]) end
  named[new[i]] = true
end
local refused = form.last_sum > 5 and add_all(KEYS[8], 6, form.last_sum)
if refused then
  table.insert(refused, 1, -1)
  return refused
end

clock = now()
tally('fin', #jobs)
local record_key = form.first_record
local function keep_record(p, became)
  local refusal = READ.fields(p + 1)
  if became == 'refused' then
    record_add(KEYS[record_key], ARGV[p], unpack(ARGV, refusal + 1, READ.fields(refusal) - 1))
  elseif became == 'dead' then
    record_add(KEYS[record_key], ARGV[p], 'state', 'dead', 'error', NO_QUEUE)
  elseif became ~= 'none' then
    record_add(KEYS[record_key], ARGV[p], unpack(ARGV, p + 2, refusal - 1))
  end
  record_key = record_key + 1
end

local refusals = {} -- of jobs whose own counters refused
for i = 1, #jobs do
  local became = DO[letters[i]](jobs[i], at[i], form.record[i], form.tails[i])
  if form.record[i] then keep_record(form.record[i], became) end
  if became == 'refused' then refusals[#refusals + 1] = i - 1 end
end
begin_records(form.first_begun, clock)
for i = #back, 1, -1 do call('RPUSH', KEYS[4], back[i]) end
if #failures > 0 then
  call('LPUSH', KEYS[12], unpack(failures))
  call('LTRIM', KEYS[12], 0, FAILURES_KEPT - 1)
end
call('HDEL', KEYS[2], id)
call('ZREM', KEYS[1], id)
if #stay > 0 then
  call('HSET', KEYS[2], ARGV[2], cmsgpack.pack(stay))
  call('ZADD', KEYS[1], clock + ARGV[3], ARGV[2])
  tally('res', #stay)
  reply[#reply + 1] = 'run'
end
for field, n in pairs(count) do call('HINCRBY', KEYS[3], field, n) end
if #refusals > 0 then reply[#reply + 1] = refusals end
return reply
