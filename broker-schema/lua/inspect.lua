#!lua flags=no-writes
-- SPDX-License-Identifier: MIT
-- INSPECT: a page of leases, bodies, flights or what waits behind them, each held against its counterpart in the same
-- step, so that nothing can move in between.
-- KEYS 1 lease 2 body 3 slot 4 again 5 queue 6 high 7 staging 8 suspects 9 sched
-- ARGV 1 'lease', 'body', 'slot' or 'again' 2 cursor, '0' at first 3 how many, about 4 entries to look at, at most
--      5 bytes, at most
-- reply   {next cursor or '0', looked at, not judged, name, what is wrong with it, name, ...}
-- errors  WRONGTYPE: a key of ours holds something else
-- include now
-- include kinds
-- include flight
local CHUNK = 100 -- entries read at once
local call = redis.call
local foreign = wrong_kind({'zset', 'hash', 'hash', 'hash', 'list', 'list', 'list', 'list', 'zset'})
if foreign then return foreign end
local most, budget = tonumber(ARGV[4]), tonumber(ARGV[5])
local reply = {'0', 0, 0}

local function fault(name, what)
  reply[#reply + 1] = name
  reply[#reply + 1] = what
end

-- The entries of a body, or nil when it is no array of strings.
local function entries_of(packed)
  local fine, jobs, more = pcall(cmsgpack.unpack, packed)
  if not fine or type(jobs) ~= 'table' or more ~= nil then return nil end
  for i = 1, #jobs do
    if type(jobs[i]) ~= 'string' then return nil end
  end
  return jobs
end

-- What is left of `wanted`, iids, when those are struck out that wait or are in a lease; nil: too much to look at.
local function missing(wanted)
  local left, room = most, budget
  local function strike(entries)
    for i = 1, #entries do
      room = room - #entries[i]
      wanted[iid_of(entries[i]) or ''] = nil
    end
    left = left - #entries
    return left >= 0 and room >= 0 and next(wanted) ~= nil
  end
  local function strike_all()
    for key = 5, 9 do
      local size, range = 'LLEN', 'LRANGE'
      if key == 9 then size, range = 'ZCARD', 'ZRANGE' end
      for at = 0, call(size, KEYS[key]) - 1, CHUNK do
        if not strike(call(range, KEYS[key], at, at + CHUNK - 1)) then return end
      end
    end
    local ids = call('HKEYS', KEYS[2])
    for i = 1, #ids do
      if not strike(entries_of(call('HGET', KEYS[2], ids[i])) or {}) then return end
    end
  end
  strike_all()
  if next(wanted) ~= nil and (left < 0 or room < 0) then return nil end
  return wanted
end

local waiting = {} -- field -> iid of the flights that run under no lease
local LOOK = {
  lease = function(id)
    if call('HEXISTS', KEYS[2], id) == 0 then fault(id, 'has a deadline, but no body') end
  end,
  body = function(id, packed)
    local jobs = entries_of(packed)
    if not call('ZSCORE', KEYS[1], id) then fault(id, 'has a body, but no deadline') end
    if not jobs then
      fault(id, 'has a body that is no msgpack array of strings')
    elseif #jobs == 0 then
      fault(id, 'has an empty body')
    end
  end,
  slot = function(field, value)
    local iid, lease, till = string.match(value, '^([^ ]+) ([^ ]+) (%d+)$')
    if not iid then return fault(field, 'holds no flight') end
    local body = lease ~= '-' and call('HGET', KEYS[2], lease)
    if not body then
      waiting[field] = iid
      return
    end
    local jobs = entries_of(body) or {}
    if #jobs ~= 1 or iid_of(jobs[1]) ~= iid or flight_of(jobs[1]) ~= field then
      fault(field, 'flies under the lease ' .. lease .. ', which holds another job')
    end
  end,
  again = function(field, entry)
    if not iid_of(entry) then fault(field, 'keeps an entry without a header') end
    if call('HEXISTS', KEYS[3], field) == 0 then fault(field, 'waits behind a flight that is not there') end
  end,
}

local KEY = {lease = 1, body = 2, slot = 3, again = 4}
local page = call(ARGV[1] == 'lease' and 'ZSCAN' or 'HSCAN', KEYS[KEY[ARGV[1]]], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #page[2], 2 do LOOK[ARGV[1]](page[2][i], page[2][i + 1]) end
reply[1], reply[2] = page[1], #page[2] / 2
if next(waiting) ~= nil then
  local wanted = {}
  for _, iid in pairs(waiting) do wanted[iid] = true end
  local lost = missing(wanted)
  for field, iid in pairs(waiting) do
    if not lost then
      reply[3] = reply[3] + 1
    elseif lost[iid] then
      fault(field, 'belongs to the job ' .. iid .. ', which neither waits nor runs')
    end
  end
end
return reply
