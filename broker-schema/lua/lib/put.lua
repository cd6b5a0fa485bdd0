-- SPDX-License-Identifier: MIT
-- put(): equal members of a sorted set would collapse into one; a job never does. Returns the header that stands there.
local function put(zset, score, header, entry)
  local mark, n = '', 0
  while redis.call('ZADD', zset, 'NX', score, header .. mark .. '\n' .. payload_of(entry)) == 0 do
    n = n + 1
    mark = ' x=' .. n
  end
  return header .. mark
end
