-- SPDX-License-Identifier: MIT
-- push_all(p, first, clock): the follow-ups from ARGV[p] on, as READ.pushes has them; of each target there are three
-- keys from KEYS[first] on: the list, :sched, :ctl. begin_records() then begins the records of those that are tracked.
local SOON_MS = 1500 -- sooner than a tick is sure to look

-- `want`, for wrong_kind(), with those keys.
local function target_kinds(want, first, targets)
  for key = first, first + 3 * targets - 1, 3 do
    want[key], want[key + 1], want[key + 2] = 'list', 'zset', 'stream'
  end
  return want
end

-- Does a target of these pushes hold something else? That is the fault of the job that names it, not of its
-- neighbours.
local TARGET_KINDS = {'list', 'zset', 'stream'}
local is_foreign = {} -- by the first key of the target

local function holds_foreign(key)
  for i = 1, 3 do
    local kind = redis.call('TYPE', KEYS[key + i - 1]).ok
    if kind ~= 'none' and kind ~= TARGET_KINDS[i] then return true end
  end
  return false
end

local function push_fails(p, first)
  for at = p + 1, p + 4 * ARGV[p], 4 do
    local key = first + 3 * ARGV[at]
    if is_foreign[key] == nil then is_foreign[key] = holds_foreign(key) end
    if is_foreign[key] then return true end
  end
end

local function push_later(sched, ctl, due, entry, clock)
  local first = redis.call('ZRANGE', sched, 0, 0, 'WITHSCORES')
  put(sched, due, string.match(entry, '^[^\n]*'), entry)
  if due < clock + SOON_MS and (not first[2] or due < tonumber(first[2])) then
    redis.pcall('XADD', ctl, 'MAXLEN', '~', 1000, '*', 'due', string.format('%d', due)) -- a tick finds it, too
  end
end

local begun = {} -- where in ARGV tracked ones stand that were pushed

local function push_all(p, first, clock)
  for at = p + 1, p + 4 * ARGV[p], 4 do
    local key, delay = first + 3 * ARGV[at], tonumber(ARGV[at + 1])
    if delay == 0 then
      redis.call('LPUSH', KEYS[key], ARGV[at + 3])
    else
      push_later(KEYS[key + 1], KEYS[key + 2], clock + delay, ARGV[at + 3], clock)
    end
    if ARGV[at + 2] ~= '0' then begun[#begun + 1] = at end
  end
end

-- `first`: in KEYS, of their records. Called behind all ends: who pushes a job of its own id is done before that one
-- waits.
local function begin_records(first, clock)
  for _, at in ipairs(begun) do
    local key, delay = KEYS[first + ARGV[at + 2] - 1], tonumber(ARGV[at + 1])
    if delay == 0 then
      record_add(key, PUSHED_MS, 'state', 'queued')
    else
      record_add(key, PUSHED_MS, 'state', 'scheduled', 'due', string.format('%d', clock + delay))
    end
  end
end
