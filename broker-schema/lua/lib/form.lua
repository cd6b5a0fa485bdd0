-- SPDX-License-Identifier: MIT
-- The form of a SETTLE: what each outcome brings, and where it stands. All of it is read before the first write.
local FIXED = 13 -- keys that every SETTLE has
local SHAPE = {
  a = {},
  x = {},
  c = {'word', 'word', 'header'},
  r = {'header', 'number'},
  l = {'header', 'number', 'word'},
  d = {'header'},
  b = {'number'},
  g = {'word'},
  f = {'header', 'word', 'number', 'number', 'pushes'},
  s = {'word'},
  e = {'header', 'pairs', 'pushes'},
  k = {'word', 'word'},
}
local TAILS = {'number', 'tail', 'tail'} -- of a job that failed: which it is, stdout, stderr
local REFUSED = {c = {'fields'}, e = {'fields'}} -- what the record says when the counters refuse
local function unfit(why) return redis.error_reply('BADSETTLE ' .. why) end

-- letters[i], at[i]: outcome of job i and where its arguments begin; record[i]: where those of its record do, if it is
-- tracked; tails[i]: where those of its run do, if it failed and has any. claims: indices of the jobs that claim; stays:
-- how many stay.
local function read_letters(outcomes)
  local form = {letters = {}, at = {}, record = {}, tails = {}, claims = {}, tracked = 0, stays = 0}
  form.named = {targets = 0, begun = 0}
  for i = 1, #outcomes do
    local given = string.sub(outcomes, i, i)
    local letter = string.lower(given)
    if not SHAPE[letter] then return nil, 'unknown outcome ' .. given end
    form.letters[i] = letter
    if given ~= letter then
      form.record[i] = true
      form.tracked = form.tracked + 1
    end
    if letter == 'f' then form.claims[#form.claims + 1] = i end
    if letter == 's' then form.stays = form.stays + 1 end
  end
  return form
end

local function read_arguments(form, p)
  for i = 1, #form.letters do
    local letter, after = form.letters[i]
    form.at[i] = p
    after = read_shape(SHAPE[letter], p, form.named)
    if after and form.record[i] then
      form.record[i] = after
      after = read_shape(RECORD, after)
      after = after and read_shape(REFUSED[letter] or {}, after)
    end
    if not after then return nil, 'arguments of outcome ' .. i .. ', ' .. letter end
    p = after
  end
  return p
end

-- Behind all jobs, so that those without tails do not pay for them.
local function read_tails(form, p)
  while p <= #ARGV do
    local after = read_shape(TAILS, p)
    local job = after and ARGV[p] + 1
    if not job or not string.find(form.letters[job] or '', '^[rd]') or form.tails[job] then return false end
    form.tails[job] = p + 1
    p = after
  end
  return true
end

-- Where the keys of a kind begin. The arguments have told how many there are of each but the targets.
local function place_keys(form)
  form.first_target = FIXED + #form.claims + 1
  form.first_begun = #KEYS - form.named.begun + 1
  form.first_record = form.first_begun - form.tracked
  local targets = (form.first_record - form.first_target) / 3
  return targets >= form.named.targets and targets % 1 == 0
end

-- Returns the form; or nil and why there is none.
local function read_form()
  local outcomes, sums = ARGV[4] or '', READ.pairs(5)
  if #outcomes > 1000 then return nil, 'more than 1000 jobs' end
  local form, why = read_letters(outcomes)
  if not form then return nil, why end
  if not sums then return nil, 'sums' end
  form.last_sum = sums - 1
  local stop, what = read_arguments(form, sums)
  if not stop then return nil, what end
  if not read_tails(form, stop) then return nil, 'arguments left over, or tails' end
  if not place_keys(form) then return nil, 'wrong number of keys' end
  if (form.stays > 0) ~= (ARGV[2] ~= '') or not is_number(3) then return nil, 'the lease of the jobs that stay' end
  return form
end

-- What each key must hold, for wrong_kind(). Another queue or a record that holds something else costs only the job
-- that names it.
local function kinds_of(form)
  local want = {'zset', 'hash', 'hash', 'list', 'zset', 'zset', 'list', 'hash', 'hash', 'hash', 'list', 'list'}
  for key = form.first_target, #KEYS do want[key] = false end
  for key = form.first_target, form.first_record - 1, 3 do
    if KEYS[key] == KEYS[11] then target_kinds(want, key, 1) end
  end
  return want
end

-- The leases that are to be made, the claims' first, in order.
local function new_leases(form)
  local ids = {}
  for i, job in ipairs(form.claims) do ids[i] = ARGV[form.at[job] + 1] end
  if form.stays > 0 then ids[#ids + 1] = ARGV[2] end
  return ids
end
