-- SPDX-License-Identifier: MIT
-- The record of a tracked job: a stream, one entry for each change of its state. No job depends on it, so a record
-- that cannot be written (a right that is missing, a forged id) must not stop the script in the middle of its work.
local RECORD_KEPT, PUSHED_MS = 64, 2592000000 -- entries; of one that has not begun: 30 days

-- The rest are pairs of field and value.
local function record_add(key, keep, ...)
  local added = redis.pcall('XADD', key, 'MAXLEN', RECORD_KEPT, '*', ...)
  if type(added) == 'string' then redis.pcall('PEXPIRE', key, keep) end
end

-- `want`, for wrong_kind(), with records from KEYS[first] on.
local function record_kinds(want, first)
  for key = first, #KEYS do want[key] = 'stream' end
  return want
end

local function record_pushed(first, ...)
  for key = first, #KEYS do record_add(KEYS[key], PUSHED_MS, ...) end
end
