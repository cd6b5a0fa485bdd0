# A mutant of lib/counters.lua, for tests only: the 200th increment of a counter of its own
# is applied twice. One job is doubled.
string(REPLACE "  if #list == 0 then return nil end" [[
  if #list == 0 then
    for i = first, last, 2 do
      if string.match(ARGV[i], '^once') and redis.call('INCR', 'leat:mutant') == 200 then
        redis.call('HINCRBY', key, ARGV[i], 1)
      end
    end
    return nil
  end]] text "${text}")
