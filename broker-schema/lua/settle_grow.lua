#!lua
-- SPDX-License-Identifier: MIT
-- SETTLE_GROW: SETTLE, word for word, for one that brings new bytes: follow-ups, results. Refused when memory is full:
-- the worker then settles those jobs as retries.
local call = redis.call
-- include now
-- include counters
-- include kinds
-- include flight
-- include put
-- include words
-- include record
-- include pushes
-- include form
-- include outcomes
-- include settle
