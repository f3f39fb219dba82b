#!lua flags=allow-oom
-- release-run: hands a run back at once (drain) and wakes the other pods.
-- KEYS     owner run queued leases work text parts partPrefix
-- ARGV     conversationId runId epoch bytes standing
--          bytes, standing: the text's length and the parts as their owner has them (sameparts); '': it says nothing
-- Returns  released | gap | fenced | closed | gone      (gap: the store has not what its owner wrote; of a run that is to be cancelled nobody asks)
-- Law      L-1 only the holder of the epoch releases; afterwards nobody holds it, so that a late append is fenced
local owner, run, queued, leases, work, text, parts, partPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, runId, epoch, bytes, standing = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
-- @include now
-- @include refusal
-- @include stateof
-- @include streamed
-- @include sameparts

local held = redis.call('HMGET', owner, 'runId', 'epoch', 'writer')
if held[1] ~= runId or held[2] ~= epoch then
  return { refusal() }
end
local mayWrite = held[3] == runId .. ':' .. epoch
if mayWrite and ((bytes ~= '' and redis.call('STRLEN', text) ~= tonumber(bytes)) or not sameparts(standing)) then
  return { 'gap' }
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
