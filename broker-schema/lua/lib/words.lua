-- SPDX-License-Identifier: MIT
-- Readers of what an outcome brings. Each is given where in ARGV its part begins and returns where the next one does;
-- nil: what stands there has another form. `named` counts what parts name of KEYS: targets, how many there must be at
-- least; begun, records of tracked follow-ups.
local FIELDS_MAX, TAIL_BYTES = 64, 2048

local function is_number(p)
  return string.match(ARGV[p] or '', '^%d+$') and #ARGV[p] <= 15
end

local function is_header(text)
  return string.match(text or '', '^R1 [^ \n]+ %d+ %d+[^\n]*$')
end

local READ = {}

function READ.word(p)
  return ARGV[p] and p + 1
end

-- What a run that failed wrote last.
function READ.tail(p)
  return ARGV[p] and #ARGV[p] <= TAIL_BYTES and p + 1
end

function READ.number(p)
  return is_number(p) and p + 1
end

function READ.header(p)
  return is_header(ARGV[p]) and p + 1
end

-- n, n pairs.
function READ.pairs(p)
  local n = is_number(p) and tonumber(ARGV[p])
  return n and p + 2 * n <= #ARGV and p + 1 + 2 * n
end

-- m, m times the number of a target (from 0), delay ms, number of its record (from 1) or 0, entry. What is delayed has
-- a header.
function READ.pushes(p, named)
  local m = is_number(p) and tonumber(ARGV[p])
  if not m or p + 4 * m > #ARGV then return nil end
  for at = p + 1, p + 4 * m, 4 do
    if not is_number(at) or not is_number(at + 1) then return nil end
    if ARGV[at + 1] ~= '0' and not is_header(string.match(ARGV[at + 3], '^([^\n]*)\n')) then return nil end
    if ARGV[at + 2] ~= '0' then
      named.begun = named.begun + 1
      if ARGV[at + 2] ~= tostring(named.begun) then return nil end
    end
    named.targets = math.max(named.targets, ARGV[at] + 1)
  end
  return p + 1 + 4 * m
end

-- n, n pairs of field and value of a record: one command.
function READ.fields(p)
  local after = READ.pairs(p)
  return after and after > p + 1 and after <= p + 1 + 2 * FIELDS_MAX and after
end

local RECORD = {'number', 'fields'} -- how long it is kept, ms; what is written

-- Where the parts that a shape names end, or nil.
local function read_shape(shape, p, named)
  for _, part in ipairs(shape) do
    p = READ[part](p, named)
    if not p then return nil end
  end
  return p
end
