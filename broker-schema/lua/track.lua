#!lua
-- SPDX-License-Identifier: MIT
-- TRACK: a tracked job runs, or says how far it is. Written only while its lease lives. Refused when memory is full.
-- KEYS 1 body 2 t:<id>      ARGV 1 lease id 2 keep ms 3.. pairs of field and value
-- reply   1 | 0 the lease is gone, nothing changed      errors   WRONGTYPE: a key of ours holds something else
-- include kinds
-- include record
local foreign = wrong_kind(record_kinds({'hash'}, 2))
if foreign then return foreign end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end -- fence
record_add(KEYS[2], ARGV[2], unpack(ARGV, 3))
return 1
