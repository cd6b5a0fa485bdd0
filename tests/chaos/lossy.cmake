# A mutant of lib/counters.lua, for tests only: of all increments that are applied once, the
# 200th of a counter of its own is taken back; and of lib/pushes.lua: the 20th of some follow-ups
# is not pushed. Two jobs are lost.
string(REPLACE "  if #list == 0 then return nil end" [[
  if #list == 0 then
    for i = first, last, 2 do
      if string.match(ARGV[i], '^once') and redis.call('INCR', 'leat:mutant') == 200 then
        redis.call('HINCRBY', key, ARGV[i], -1)
      end
    end
    return nil
  end]] text "${text}")
string(REPLACE "      redis.call('LPUSH', KEYS[key], ARGV[at + 3])" [[
      if not string.find(ARGV[at + 3], '"push:', 1, true) or redis.call('INCR', 'leat:mutant:2') ~= 20 then
        redis.call('LPUSH', KEYS[key], ARGV[at + 3])
      end]] text "${text}")
if((text MATCHES "function add_all" AND NOT text MATCHES "leat:mutant'") OR
   (text MATCHES "function push_all" AND NOT text MATCHES "leat:mutant:2"))
  message(FATAL_ERROR "what this mutant replaces does not stand there any more")
endif()
