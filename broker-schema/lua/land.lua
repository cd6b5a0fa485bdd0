#!lua
-- SPDX-License-Identifier: MIT
-- LAND: a flight came home; its copy is kept, its lease and its flight end in the same step. Refused when memory is
-- full: the worker then settles it as a retry.
-- KEYS 1 lease 2 body 3 m 4 slot 5 again 6 queue 7 cache:<key> 8.. list, sched and ctl of each target; then, if the
--      job is tracked, its record; then that of each tracked follow-up
-- ARGV 1 lease id 2 'store' or 'extend' 3 etag (extend: the one that was sent) 4 max age ms 5 keep ms
--      store: 6 body 7 content type 8 last-modified 9 status
--      then, if there are more keys: pushes; keep ms, n, n pairs for the record (all as in SETTLE)
-- reply   1 kept | 2 ended without a write: another flight took over | 0 the lease is gone | -1 the copy to extend is
--         gone or another one: nothing changed, fetch it whole
-- errors  BADSETTLE: not a lease of one job | WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
-- include flight
-- include put
-- include words
-- include record
-- include pushes
local call = redis.call
local FIXED = 7
local first_target = FIXED + 1
local function unfit(why) return redis.error_reply('BADSETTLE ' .. why) end
local pushes = ARGV[2] == 'store' and 10 or 6
local named = {targets = 0, begun = 0}
local record, is_tracked
if #KEYS > FIXED then
  record = READ.pushes(pushes, named)
  is_tracked = record and record <= #ARGV
  if not record or is_tracked and read_shape(RECORD, record) ~= #ARGV + 1 then return unfit('follow-ups or record') end
end
local first_begun = #KEYS - named.begun + 1
local first_record = is_tracked and first_begun - 1 or first_begun
local targets = (first_record - first_target) / 3
if targets < named.targets or targets % 1 ~= 0 then return unfit('number of keys') end
local kinds = target_kinds({'zset', 'hash', 'hash', 'hash', 'hash', 'list'}, first_target, targets)
for key = first_record, #KEYS do kinds[key] = false end -- no job depends on its record
local foreign = wrong_kind(kinds)
if foreign then return foreign end

local packed = call('HGET', KEYS[2], ARGV[1])
if not packed then return 0 end -- fence
local jobs = cmsgpack.unpack(packed)
if #jobs ~= 1 then return unfit('a flight is alone in its lease, not one of ' .. #jobs) end
local entry = jobs[1]
local field = flight_of(entry)
local clock = now()
local holds = field and string.match(call('HGET', KEYS[4], field) or '', '^[^ ]+ ([^ ]+)') == ARGV[1]
if holds and ARGV[2] == 'extend' and call('HGET', KEYS[7], 'etag') ~= ARGV[3] then return -1 end
if holds then
  -- "It changed" says nothing of how long the next copy is good, nor how to ask for it when it is not.
  local age = tonumber(ARGV[4])
  if age == 0 then age = tonumber(call('HGET', KEYS[7], 'age') or '') or 0 end
  if age == 0 or ARGV[4] ~= '0' then call('HSET', KEYS[7], 'age', ARGV[4], 'job', payload_of(entry)) end
  local fresh = string.format('%d', clock + age)
  call('HSET', KEYS[7], 'fetched', string.format('%d', clock), 'fresh', fresh)
  if ARGV[2] == 'store' then
    call('HSET', KEYS[7], 'body', ARGV[6], 'type', ARGV[7], 'etag', ARGV[3], 'lm', ARGV[8], 'status', ARGV[9])
  end
  call('PEXPIRE', KEYS[7], ARGV[5])
  flight_end(KEYS[4], KEYS[5], KEYS[6], field, clock)
end
call('HDEL', KEYS[2], ARGV[1])
call('ZREM', KEYS[1], ARGV[1])
call('HINCRBY', KEYS[3], 'fin', 1)
call('HINCRBY', KEYS[3], 'done', 1)
if #KEYS > FIXED then push_all(pushes, first_target, clock) end
if is_tracked then record_add(KEYS[first_record], ARGV[record], unpack(ARGV, record + 2)) end
begin_records(first_begun, clock)
return holds and 1 or 2
