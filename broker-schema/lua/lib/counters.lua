-- SPDX-License-Identifier: MIT
-- add_all(key, first, last): HINCRBY of the pairs ARGV[first..last] (name, delta). Returns nil, or after a
-- refusal the list {name, error, ...} of all that refused, with every counter as it was before: one that is
-- absent is 0, and one that is 0 again is absent.
-- Deltas stay strings, for Lua's numbers are doubles: what undoes '12' is '-12', and the reverse.
local function negated(delta)
  if delta == '0' then return delta end
  if string.sub(delta, 1, 1) == '-' then return string.sub(delta, 2) end
  return '-' .. delta
end

local function add_all(key, first, last)
  local pcall = redis.pcall
  local refused, list = {}, {}
  for i = first, last, 2 do
    local r = pcall('HINCRBY', key, ARGV[i], ARGV[i + 1])
    if type(r) == 'table' then
      refused[i] = true
      list[#list + 1] = ARGV[i]
      list[#list + 1] = r.err
    end
  end
  if #list == 0 then return nil end
  for i = last - 1, first, -2 do -- backwards, through values that were there before: none can overflow
    if not refused[i] and redis.call('HINCRBY', key, ARGV[i], negated(ARGV[i + 1])) == 0 then
      redis.call('HDEL', key, ARGV[i])
    end
  end
  return list
end
