-- SPDX-License-Identifier: MIT
-- The header line of an entry, by the very rules of PROTOCOL.md 5: what is none must travel on as it came.
local HEADER_BYTES, COUNT_MAX, TIME_MAX = 2048, 1e9, '9223372036854775807'

local function is_time(text)
  local digits = string.match(text, '^0*(%d+)$')
  return digits and (#digits < #TIME_MAX or (#digits == #TIME_MAX and digits <= TIME_MAX))
end

local function are_tokens(tokens)
  local slot = ''
  for letter, value in string.gmatch(tokens, ' ([tk])=([^ ]*)') do
    if letter == 't' and not is_time(value) then return false end
    if letter == 'k' then slot = value end
  end
  return #slot <= 128
end

-- Returns iid, deliveries, fails, tokens (with the blank before each) and where the payload begins; nil: no header.
local function read_header(entry)
  local line = string.match(string.sub(entry, 1, HEADER_BYTES), '^[^\n]*\n') or ''
  local iid, deliveries, fails, tokens = string.match(line, '^R1 ([^ \n]+) (%d+) (%d+)([^\n]*)\n$')
  if not iid or #iid > 64 or tonumber(deliveries) > COUNT_MAX or tonumber(fails) > COUNT_MAX
    or string.find(tokens, '^[^ ]') or not are_tokens(tokens) then return nil end
  return iid, tonumber(deliveries), fails, tokens, #line + 1
end

-- A header with another count of deliveries. Tokens that then find no room are left behind.
local function write_header(iid, deliveries, fails, tokens)
  local line = 'R1 ' .. iid .. ' ' .. string.format('%d', math.min(deliveries, COUNT_MAX)) .. ' ' .. fails
  if #line + #tokens + 1 > HEADER_BYTES then tokens = '' end
  return line .. tokens .. '\n'
end
