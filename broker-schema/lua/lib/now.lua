-- SPDX-License-Identifier: MIT
-- now(): milliseconds of Redis TIME; the only clock of the protocol.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
