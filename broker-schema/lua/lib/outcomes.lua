-- SPDX-License-Identifier: MIT
-- What becomes of a job: DO[letter](entry, p, record, tails): where in ARGV what it brings begins; nil: it has none of
-- that. Only after all was checked, for Redis does not roll back. Returns what its record is to say: nil: what came with
-- it; 'refused': what came for that; 'dead'; 'none'.
local FAILURES_KEPT, PAYLOAD_KEPT = 1000, 1024
local NO_QUEUE = 'a queue that it pushes to holds something else'
local clock, form = 0, nil
local count = {}
local back, stay, reply = {}, {}, {1}
local failures = {} -- what is told of them; written at the end, in one command

local function tally(field, n) count[field] = (count[field] or 0) + (n or 1) end

local function tell(letter, header, entry, tails)
  local bytes, lengths, both = payload_of(entry), '\n', ''
  if tails then
    lengths = string.format(' %d %d\n', #ARGV[tails], #ARGV[tails + 1])
    both = ARGV[tails] .. ARGV[tails + 1]
  end
  failures[#failures + 1] = string.format('%d %s %d', clock, letter, #bytes) .. lengths .. header .. '\n'
    .. string.sub(bytes, 1, PAYLOAD_KEPT) .. both
end

local function as_header(given, entry)
  return given == '' and entry or given .. '\n' .. payload_of(entry)
end

-- The gauge `retrying` follows the header, as PROMOTE reads it.
local function run_later(delay, header, entry)
  if tonumber(string.match(header, '^R1 [^ ]+ %d+ (%d+)')) > 0 then tally('retrying') end
  return put(KEYS[5], clock + delay, header, entry)
end

local function die(header, entry, tails)
  tell('d', put(KEYS[6], clock, header, entry), entry, tails)
  tally('dead')
end

local function leave_flight(entry)
  flight_leave(KEYS[9], KEYS[10], KEYS[11], entry, clock)
end

-- The job waits behind a flight that may be too early for it. A job whose end is waited for keeps its place: it will
-- serve those that ask meanwhile. Of others the newest wins.
local function wait_behind(field, header, entry, is_waited_for)
  local waiting = call('HGET', KEYS[10], field)
  if waiting and string.match(waiting, '^R1 [^\n]* w=1[ \n]') then
    tally('merged')
    return 'merged'
  end
  header = with_flight(string.gsub(header, ' w=1%f[ %z]', ''), field) .. (is_waited_for and ' w=1' or '')
  call('HSET', KEYS[10], field, header .. '\n' .. payload_of(entry))
  if waiting then tally('merged') end
  return 'again'
end

-- Who fetches this key? One flight per key in the whole fleet.
local function claim(cache, header, entry, new, ttl, max_age, is_waited_for)
  local field = 'c:' .. redis.sha1hex(cache)
  local iid = iid_of(header .. '\n')
  local holder, lease, till = string.match(call('HGET', KEYS[9], field) or '', '^([^ ]+) ([^ ]+) (%d+)$')
  local fetched = tonumber(call('HGET', cache, 'fetched') or '')
  if max_age > 0 and fetched and clock - fetched < max_age then
    if holder == iid then flight_end(KEYS[9], KEYS[10], KEYS[11], field, clock) end
    tally('done')
    tally('fresh')
    return 'fresh'
  end
  local held = holder ~= iid and flight_lives(lease, till, KEYS[2], clock)
  if held and max_age > 0 then
    tally('merged')
    return 'merged'
  end
  if held then return wait_behind(field, header, entry, is_waited_for) end
  call('HSET', KEYS[9], field, iid .. ' ' .. new .. ' ' .. string.format('%d', clock + ttl))
  call('HSET', KEYS[2], new, cmsgpack.pack({with_flight(header, field) .. '\n' .. payload_of(entry)}))
  call('ZADD', KEYS[1], clock + ttl, new)
  tally('res')
  return 'run'
end

local DO = {}

function DO.a() tally('done') end

function DO.x(entry)
  leave_flight(entry)
  tally('expired')
end

function DO.d(entry, p, _, tails)
  leave_flight(entry)
  die(ARGV[p], entry, tails)
end

function DO.c(entry, p)
  if type(redis.pcall('HINCRBY', KEYS[8], ARGV[p], ARGV[p + 1])) == 'table' then
    die(ARGV[p + 2], entry)
    return 'refused'
  end
  tally('done')
end

function DO.e(entry, p)
  local pushes = READ.pairs(p + 1)
  if push_fails(pushes, form.first_target) or add_all(KEYS[8], p + 2, pushes - 1) then
    die(ARGV[p], entry)
    return 'refused'
  end
  push_all(pushes, form.first_target, clock)
  tally('done')
end

function DO.r(entry, p, _, tails)
  local field, header = flight_of(entry), ARGV[p]
  if field then
    header = with_flight(header, field)
    if string.match(call('HGET', KEYS[9], field) or '', '^[^ ]+') == iid_of(entry) then
      call('HSET', KEYS[9], field, iid_of(entry) .. ' - ' .. string.format('%d', clock + ARGV[p + 1] + WAIT_MS))
    end
  end
  tell('r', run_later(ARGV[p + 1], header, entry), entry, tails)
  tally('retry')
end

function DO.l(entry, p)
  run_later(ARGV[p + 1], ARGV[p], entry)
  tally('back')
  local field = 'nh:' .. ARGV[p + 2]
  if ARGV[p + 2] ~= '' and (call('HLEN', KEYS[3]) < 128 or call('HEXISTS', KEYS[3], field) == 1) then
    call('HSET', KEYS[3], field, string.format('%d', clock))
  end
end

function DO.b(entry, p)
  leave_flight(entry)
  call('LPUSH', KEYS[7], string.sub(entry, ARGV[p] + 1))
  tally('bad')
end

function DO.g(entry, p)
  back[#back + 1] = as_header(ARGV[p], entry)
  tally('back')
end

function DO.s(entry, p)
  stay[#stay + 1] = as_header(ARGV[p], entry)
end

-- One that has not started is cancelled by what stands in :cancel, which another job of that id may have used up.
function DO.k(entry, p)
  if call('HDEL', KEYS[13], ARGV[p]) == 0 and ARGV[p + 1] == '0' then
    back[#back + 1] = entry
    tally('back')
    return 'none'
  end
  leave_flight(entry)
  tally('cancelled')
end

function DO.f(entry, p, is_tracked)
  local key = KEYS[FIXED + #reply]
  if push_fails(p + 4, form.first_target) then
    reply[#reply + 1] = 'dead'
    leave_flight(entry)
    die(string.gsub(ARGV[p], ' e=[^ ]*', '') .. ' e=' .. string.gsub(NO_QUEUE, ' ', '%%20'), entry)
    return 'dead'
  end
  local verdict = claim(key, ARGV[p], entry, ARGV[p + 1], tonumber(ARGV[p + 2]), tonumber(ARGV[p + 3]),
    is_tracked or ARGV[p + 4] ~= '0')
  reply[#reply + 1] = verdict
  if verdict ~= 'fresh' and verdict ~= 'merged' then return 'none' end
  push_all(p + 4, form.first_target, clock)
end
