#!lua flags=allow-oom
-- cancel-run: sets the cancel flag and clears `writer`; from now on the text is frozen (append-chunk answers `cancelled`).
-- The flag is kept until a minute after the end, so that a later claim does not set `writer` again.
-- KEYS     meta owner run cancel work queued
-- ARGV     conversationId runId userId
-- Returns  cancelling owned | already-ended | gone | forbidden      (owned: 1 while a live lease is held)
-- Law      L-2 flag and writer are the whole change; the hint to the owner is only a hint
local meta, owner, run, cancel, work, queued = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local conversationId, runId, userId = ARGV[1], ARGV[2], ARGV[3]
-- @include now
-- @include alive
-- @include wanted

local status = redis.call('HGET', run, 'status')
local user = redis.call('HGET', meta, 'userId')
if user and user ~= userId then
  return { 'forbidden' }
elseif not user or not status then
  return { 'gone' }
elseif status ~= 'running' then
  return { 'already-ended' }
end
local asked = wanted() or now .. '|' .. userId
redis.call('SET', cancel, asked, 'NX', 'PX', limits.lifeMs)
redis.call('HSETNX', run, 'cancel', asked)
local held = redis.call('HMGET', owner, 'runId', 'expires', 'leaseMs', 'parked')
if held[1] == runId then
  redis.call('HSET', owner, 'writer', '')
end
if held[4] == runId then
  -- It waited for a person: whoever looks for runs ends it, should the gateway not.
  redis.call('HDEL', owner, 'parked')
  redis.call('HDEL', run, 'waiting')
  redis.call('ZADD', queued, now, conversationId .. ':' .. runId)
end
redis.call('SPUBLISH', work, '{"kind":"cancel","conversationId":"' .. conversationId .. '","runId":"' .. runId .. '"}')
return { 'cancelling', alive(held[2], held[3]) and 1 or 0 }
