-- SPDX-License-Identifier: MIT
-- The record of a tracked job: a stream, one entry for each change of its state. No job depends on it, so a record
-- that cannot be written (a right that is missing, a forged id) must not stop the script in the middle of its work.
local RECORD_KEPT = 64

-- The rest are pairs of field and value.
local function record_add(key, keep, ...)
  redis.pcall('XADD', key, 'MAXLEN', RECORD_KEPT, '*', ...)
  redis.pcall('PEXPIRE', key, keep)
end
