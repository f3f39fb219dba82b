#!lua flags=allow-oom
-- release-run: hands a run back at once (drain) and wakes the other pods.
-- KEYS     owner run queued leases work
-- ARGV     conversationId runId epoch
-- Returns  released | fenced | closed | gone
-- Law      L-1 only the holder of the epoch releases; afterwards nobody holds it, so that a late append is fenced
local owner, run, queued, leases, work = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local conversationId, runId, epoch = ARGV[1], ARGV[2], ARGV[3]
-- @include now
-- @include refusal

local held = redis.call('HMGET', owner, 'runId', 'epoch')
if held[1] ~= runId or held[2] ~= epoch then
  return { refusal() }
end
local member = conversationId .. ':' .. runId
redis.call('HSET', owner, 'runId', '', 'owner', '', 'expires', 0, 'writer', '')
-- Handed on, it has not gone round.
if tonumber(redis.call('HGET', owner, 'tries') or 0) > 0 then
  redis.call('HINCRBY', owner, 'tries', -1)
end
redis.call('ZREM', leases, member)
redis.call('ZADD', queued, now, member)
redis.call('SPUBLISH', work, '{"kind":"free","conversationId":"' .. conversationId .. '","runId":"' .. runId .. '"}')
return { 'released' }
