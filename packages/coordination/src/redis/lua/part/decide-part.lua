#!lua flags=allow-oom
-- decide-part: a person has decided what a part waits for. With the last decision the run goes on: it is free again.
-- KEYS     meta log channel owner run cancel parts queued events work
-- ARGV     conversationId runId userId partId expected part facts cap
--          expected: JSON of the part as it was read; part: as it becomes; facts: what the audit is told, JSON of an object
-- Returns  decided offset | changed | closed | gone | forbidden
--          changed: it is not as it was read; closed: the run has ended, or is about to
-- Law      W-18 only what was read is decided, and once; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, cancel, parts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local queued, events, work = KEYS[8], KEYS[9], KEYS[10]
local conversationId, runId, userId, partId = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local expected, part, facts, cap = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
-- @include now
-- @include json
-- @include emit
-- @include audit
-- @include stateof

cjson.decode(part)
cjson.decode(facts)
local user = redis.call('HGET', meta, 'userId')
local status = redis.call('HGET', run, 'status')
if not user or not status then
  return { 'gone' }
elseif user ~= userId then
  return { 'forbidden' }
elseif status ~= 'running' or redis.call('EXISTS', cancel) == 1 then
  return { 'closed' }
end
local kept = redis.call('HGET', parts, partId)
local state = stateof(kept)
if kept ~= expected or (state ~= 'waiting' and state ~= 'unknown') then
  return { 'changed' }
end
redis.call('HSET', parts, partId, part)
local named = ',"runId":"' .. runId .. '"'
local offset = emit('part', named .. ',"part":' .. part)
audit('PART_DECIDED', '{"userId":' .. json(userId) .. named .. ',' .. string.sub(facts, 2), redis.call('HGET', run, 'trace') or '')
local waiting = redis.call('HGET', run, 'waiting')
if not waiting then
  -- Its owner lives and works on other calls of the step: it is told.
  redis.call('SPUBLISH', work, '{"kind":"decided","conversationId":"' .. conversationId .. '","runId":"' .. runId .. '"}')
  return { 'decided', offset }
end
for _, other in ipairs(cjson.decode(waiting)) do
  local open = stateof(redis.call('HGET', parts, other))
  if open == 'waiting' or open == 'unknown' then
    return { 'decided', offset }
  end
end
redis.call('HDEL', run, 'waiting')
redis.call('HDEL', owner, 'parked')
redis.call('ZADD', queued, now, conversationId .. ':' .. runId)
redis.call('SPUBLISH', work, '{"kind":"free","conversationId":"' .. conversationId .. '","runId":"' .. runId .. '"}')
return { 'decided', offset }
