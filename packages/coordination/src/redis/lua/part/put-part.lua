#!lua flags=allow-oom
-- put-part: a part of an answer appears, or its state or fields change.
-- KEYS     meta log channel owner run parts partPrefix events
--          partPrefix: start of the keys of a part's streamed fields; same slot
-- ARGV     conversationId runId epoch partId from index size part facts step cap
--          from: the state it has, '' for a new one; size: bytes that stand of its streamed fields; part: its JSON without these;
--          facts: what the audit is told, JSON of an object; step: bytes of the text at the end of a step of the model, else ''
-- Returns  put offset | duplicate | changed | gap | cancelled | fenced | closed | gone      (changed: it stands in another state)
-- Law      L-1 epoch, place, state and size are checked first; a final state stays; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, parts, partPrefix, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, runId, epoch, partId, from, index = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local size, part, facts, step, cap = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])
-- @include now
-- @include json
-- @include emit
-- @include audit
-- @include refusal
-- @include writer
-- @include stateof
-- @include isfinal
-- @include streamed

-- Both go into events as they came: each has to be one JSON value.
cjson.decode(part)
cjson.decode(facts)
local refused = writer()
if refused and refused ~= 'cancelled' then
  return { refused }
end
local kept = redis.call('HGET', parts, partId)
if kept == part then
  -- The answer to an earlier call was lost; before the cancel check, for the owner must learn that its part stands.
  return { 'duplicate' }
elseif refused then
  return { refused }
end
local state = stateof(kept)
if state == '' and (from ~= '' or redis.call('HLEN', parts) ~= index) then
  return { 'gap' }
elseif state ~= from or isfinal(state) then
  return { 'changed' }
elseif streamed(partId) ~= size then
  return { 'gap' }
end
local known = redis.call('HMGET', meta, 'logId', 'userId')
if not known[1] then
  return { 'gone' }
end
redis.call('HSET', parts, partId, part)
if index == 0 then
  redis.call('PEXPIRE', parts, limits.lifeMs)
  redis.call('HSET', run, 'parts', '1')
end
if step ~= '' then
  redis.call('HSET', run, 'step', step)
end
local named = ',"runId":"' .. runId .. '"'
local offset = emit('part', named .. ',"part":' .. part)
audit('PART_CHANGED', '{"userId":' .. json(known[2]) .. named .. ',' .. string.sub(facts, 2), redis.call('HGET', run, 'trace') or '')
return { 'put', offset }
