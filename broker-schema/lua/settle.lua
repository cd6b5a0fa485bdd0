#!lua flags=allow-oom
-- SPDX-License-Identifier: MIT
-- SETTLE: end a lease whole, each of its jobs with an outcome of its own. Sent again, byte for byte the same, it
-- changes nothing. Payloads come from the stored body, headers from the worker.
-- KEYS 1 lease 2 body 3 m 4 staging 5 sched 6 dead 7 bad 8 counters 9 slot 10 again 11 queue 12 fail
--      13.. cache key per claim
-- ARGV 1 lease id 2 outcomes, one letter per job 3 n 4.. n pairs of counter and delta, then what each letter needs:
--   a done                     -
--   x expired                  -
--   c done, counted alone      counter, delta, header if it is refused and the job dies
--   r failed, runs again       header, delay ms
--   l not a failure, later     header, delay ms, type without handler or ''
--   d dead                     header
--   b no job                   bytes of our header in front of what the producer wrote
--   g given back to the head   header or '' for the entry as it is
--   f flight: claim the fetch  header, new lease id, ttl ms, max age ms
-- reply   {1, verdict...} a verdict per claim: run, fresh, merged, again | {0, verdict...} the lease was gone; per
--         claim: run when its new lease lives, else gone | {-1, name, error, ...} refused counters, nothing changed
-- errors  BADSETTLE: outcomes do not fit the lease | DUPLEASE | WRONGTYPE: a key of ours holds something else
-- include now
-- include counters
-- include kinds
-- include flight
local call = redis.call
local FAILURES_KEPT, PAYLOAD_KEPT = 1000, 1024
local WIDTH = {a = 0, x = 0, c = 3, r = 2, l = 3, d = 1, b = 1, g = 1, f = 4}
local HEADER = {c = 2, r = 0, l = 0, d = 0, f = 0} -- which argument of a letter
local NUMBERS = {r = {1}, l = {1}, b = {0}, f = {2, 3}}
local function unfit(why) return redis.error_reply('BADSETTLE ' .. why) end
local foreign = wrong_kind({'zset', 'hash', 'hash', 'list', 'zset', 'zset', 'list', 'hash', 'hash', 'hash', 'list', 'list'})
if foreign then return foreign end
local id, outcomes, sums = ARGV[1], ARGV[2], 2 * (tonumber(ARGV[3]) or 0)

-- Do the arguments of a letter, from ARGV[p] on, have the form that the writing below relies on?
local function is_fit(letter, p)
  if HEADER[letter] and not string.match(ARGV[p + HEADER[letter]], '^R1 [^ \n]+ %d+ %d+[^\n]*$') then return false end
  for _, n in ipairs(NUMBERS[letter] or {}) do
    if not string.match(ARGV[p + n], '^%d+$') then return false end
  end
  return true
end

local letters, at, claims = {}, {}, {}
local next_arg = 4 + sums
for i = 1, #outcomes do
  local letter = string.sub(outcomes, i, i)
  if not WIDTH[letter] then return unfit('unknown outcome ' .. letter) end
  letters[i], at[i] = letter, next_arg
  if letter == 'f' then claims[#claims + 1] = ARGV[next_arg + 1] end
  next_arg = next_arg + WIDTH[letter]
end
if #outcomes > 1000 then return unfit('more than 1000 jobs') end
if next_arg ~= #ARGV + 1 or #KEYS ~= 12 + #claims then return unfit('wrong number of arguments') end
for i = 1, #letters do
  if not is_fit(letters[i], at[i]) then return unfit('arguments of outcome ' .. i .. ', ' .. letters[i]) end
end

if call('HEXISTS', KEYS[2], id) == 0 then -- fence
  local reply = {0}
  for i = 1, #claims do reply[i + 1] = call('HEXISTS', KEYS[2], claims[i]) == 1 and 'run' or 'gone' end
  return reply
end

-- Check everything, then write: Redis does not roll back.
local jobs = cmsgpack.unpack(call('HGET', KEYS[2], id))
if #jobs ~= #outcomes then return unfit(#outcomes .. ' outcomes for ' .. #jobs .. ' jobs') end
local named = {}
for i = 1, #claims do
  if named[claims[i]] or call('HEXISTS', KEYS[2], claims[i]) == 1 then
    return redis.error_reply('DUPLEASE ' .. claims[i])
  end
  named[claims[i]] = true
end
if sums > 0 then
  local refused = add_all(KEYS[8], 4, 3 + sums)
  if refused then
    table.insert(refused, 1, -1)
    return refused
  end
end

local clock = now()
local count = {fin = #jobs}
local function tally(field, n) count[field] = (count[field] or 0) + (n or 1) end

-- Equal members of a sorted set would collapse into one; a job never does. Returns the header that stands there.
local function put(zset, score, header, entry)
  local mark, n = '', 0
  while call('ZADD', zset, 'NX', score, header .. mark .. '\n' .. payload_of(entry)) == 0 do
    n = n + 1
    mark = ' x=' .. n
  end
  return header .. mark
end

-- What is told of a failure; written at the end, in one command.
local failures = {}
local function tell(letter, header, entry)
  local bytes = payload_of(entry)
  failures[#failures + 1] = string.format('%d %s %d\n', clock, letter, #bytes) .. header .. '\n'
    .. string.sub(bytes, 1, PAYLOAD_KEPT)
end

-- The gauge `retrying` follows the header, as PROMOTE reads it.
local function run_later(delay, header, entry)
  if tonumber(string.match(header, '^R1 [^ ]+ %d+ (%d+)')) > 0 then tally('retrying') end
  return put(KEYS[5], clock + delay, header, entry)
end

local function die(header, entry)
  tell('d', put(KEYS[6], clock, header, entry), entry)
  tally('dead')
end

local function leave_flight(entry)
  flight_leave(KEYS[9], KEYS[10], KEYS[11], entry, clock)
end

-- Who fetches this key? One flight per key in the whole fleet.
local function claim(cache, header, entry, new, ttl, max_age)
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
  if held then -- it changed: the flight under way may be too early, so once more behind it
    local next_holder = with_flight(header, field) .. '\n' .. payload_of(entry)
    if call('HSET', KEYS[10], field, next_holder) == 0 then tally('merged') end
    return 'again'
  end
  call('HSET', KEYS[9], field, iid .. ' ' .. new .. ' ' .. string.format('%d', clock + ttl))
  call('HSET', KEYS[2], new, cmsgpack.pack({with_flight(header, field) .. '\n' .. payload_of(entry)}))
  call('ZADD', KEYS[1], clock + ttl, new)
  tally('res')
  return 'run'
end

local back, reply = {}, {1}
local DO = {
  a = function() tally('done') end,
  x = function(entry)
    leave_flight(entry)
    tally('expired')
  end,
  c = function(entry, p)
    if type(redis.pcall('HINCRBY', KEYS[8], ARGV[p], ARGV[p + 1])) == 'table' then return die(ARGV[p + 2], entry) end
    tally('done')
  end,
  r = function(entry, p)
    local field, header = flight_of(entry), ARGV[p]
    if field then
      header = with_flight(header, field)
      if string.match(call('HGET', KEYS[9], field) or '', '^[^ ]+') == iid_of(entry) then
        call('HSET', KEYS[9], field, iid_of(entry) .. ' - ' .. string.format('%d', clock + ARGV[p + 1] + WAIT_MS))
      end
    end
    tell('r', run_later(ARGV[p + 1], header, entry), entry)
    tally('retry')
  end,
  l = function(entry, p)
    run_later(ARGV[p + 1], ARGV[p], entry)
    tally('back')
    local field = 'nh:' .. ARGV[p + 2]
    if ARGV[p + 2] ~= '' and (call('HLEN', KEYS[3]) < 128 or call('HEXISTS', KEYS[3], field) == 1) then
      call('HSET', KEYS[3], field, string.format('%d', clock))
    end
  end,
  d = function(entry, p)
    leave_flight(entry)
    die(ARGV[p], entry)
  end,
  b = function(entry, p)
    leave_flight(entry)
    call('LPUSH', KEYS[7], string.sub(entry, ARGV[p] + 1))
    tally('bad')
  end,
  g = function(entry, p)
    back[#back + 1] = ARGV[p] == '' and entry or ARGV[p] .. '\n' .. payload_of(entry)
    tally('back')
  end,
  f = function(entry, p)
    local n = #reply
    reply[n + 1] = claim(KEYS[12 + n], ARGV[p], entry, ARGV[p + 1], tonumber(ARGV[p + 2]), tonumber(ARGV[p + 3]))
  end,
}
for i = 1, #jobs do DO[letters[i]](jobs[i], at[i]) end
for i = #back, 1, -1 do call('RPUSH', KEYS[4], back[i]) end
if #failures > 0 then
  call('LPUSH', KEYS[12], unpack(failures))
  call('LTRIM', KEYS[12], 0, FAILURES_KEPT - 1)
end
call('HDEL', KEYS[2], id)
call('ZREM', KEYS[1], id)
for field, n in pairs(count) do call('HINCRBY', KEYS[3], field, n) end
return reply
