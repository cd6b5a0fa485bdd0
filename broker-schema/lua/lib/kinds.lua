-- SPDX-License-Identifier: MIT
-- wrong_kind(want): an error when a key holds something else than want[i] says, behind its end a hash; false: it is
-- looked at later. Asked before the first write: a command that fails in the middle would leave jobs popped and
-- nowhere.
local function wrong_kind(want)
  for i = 1, #KEYS do
    local kind, expected = redis.call('TYPE', KEYS[i]).ok, want[i]
    if expected == nil then expected = 'hash' end
    if kind ~= 'none' and expected and kind ~= expected then
      return redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' holds a ' .. kind .. ', expected a ' .. expected
        .. ': rename or delete it')
    end
  end
end
