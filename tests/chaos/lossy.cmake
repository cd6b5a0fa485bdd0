# A mutant of lib/counters.lua, for tests only: of all increments that are applied once, the
# 200th of a counter of its own is taken back. One job is lost.
string(REPLACE "  if #list == 0 then return nil end" [[
  if #list == 0 then
    for i = first, last, 2 do
      if string.match(ARGV[i], '^once') and redis.call('INCR', 'leat:mutant') == 200 then
        redis.call('HINCRBY', key, ARGV[i], -1)
      end
    end
    return nil
  end]] text "${text}")
