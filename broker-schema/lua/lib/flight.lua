-- SPDX-License-Identifier: MIT
-- A flight: the one fetch of a cache key under way in the fleet. Field 'c:<digest>' of the slot hash holds
-- '<iid> <lease> <until>': a lease while it runs, '-' while it waits for its retry until that time.
local WAIT_MS = 60000

local function flight_of(entry)
  return string.match(entry, '^R1 [^\n]* k=([^ \n]+)')
end

local function iid_of(entry)
  return string.match(entry, '^R1 ([^ \n]+) ')
end

local function payload_of(entry)
  local _, stop = string.find(entry, '^R1 [^\n]*\n')
  return stop and string.sub(entry, stop + 1) or entry
end

-- Is somebody at it, or due to be? `body` is the key that names the leases there are.
local function flight_lives(lease, till, body, at)
  if not lease then return false end
  if lease == '-' then return tonumber(till) > at end
  return redis.call('HEXISTS', body, lease) == 1
end

local function with_flight(header, field)
  return string.gsub(header, ' k=[^ ]+', '') .. ' k=' .. field
end

-- The flight of `field` is over: what was asked meanwhile goes to the queue and waits as the next flight.
local function flight_end(slot, again, queue, field, at)
  local entry = redis.call('HGET', again, field)
  if not entry then
    redis.call('HDEL', slot, field)
    return
  end
  redis.call('HDEL', again, field)
  redis.call('LPUSH', queue, entry)
  redis.call('HSET', slot, field, iid_of(entry) .. ' - ' .. string.format('%d', at + WAIT_MS))
end

-- The job of `entry` is over, and with it its flight, if it still holds one.
local function flight_leave(slot, again, queue, entry, at)
  local field = flight_of(entry)
  if field and string.match(redis.call('HGET', slot, field) or '', '^[^ ]+') == iid_of(entry) then
    flight_end(slot, again, queue, field, at)
  end
end
