-- begin-run: starts a run, with its user message, and the conversation when it is new.
-- KEYS     meta log channel owner run text history order ids queued events relay
-- ARGV     conversationId userId runId model messageId prompt parent title logId trace cap
--          messageId '' answers `parent` once more; parent '*' is the newest leaf, '' a root
-- Returns  started runId offset | duplicate runId offset | busy runId | forbidden | not-found | overloaded
-- Law      L-1 a message or run seen before answers with the run it made; one run at a time; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local history, order, ids, queued, events, relay = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local conversationId, userId, runId, model, messageId, prompt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local parent, title, logId, trace, cap = ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])
-- @include now
-- @include json
-- @include emit
-- @include audit
-- @include keep
-- @include touch

local known = redis.call('HMGET', meta, 'userId', 'active', 'leaf')
local isNew = not known[1]
if not isNew and known[1] ~= userId then
  return { 'forbidden' }
end
local seen = not isNew and ((messageId ~= '' and redis.call('HGET', ids, messageId)) or redis.call('HGET', ids, runId))
if seen then
  local bar = string.find(seen, '|', 1, true)
  return { 'duplicate', string.sub(seen, 1, bar - 1), tonumber(string.sub(seen, bar + 1)) }
end
if known[2] then
  return { 'busy', known[2] }
end
if parent == '*' then
  parent = known[3] or ''
elseif parent ~= '' and (isNew or redis.call('HEXISTS', ids, parent) == 0) then
  return { 'not-found' }
end
if messageId == '' then
  local asked = not isNew and redis.call('HGET', history, parent)
  local question = asked and cjson.decode(asked)
  if not question or question.role ~= 'user' or question.status == 'deleted' then
    return { 'not-found' }
  end
end
if redis.call('EXISTS', relay) == 1 and redis.call('XLEN', events) >= cap then
  return { 'overloaded' }
end

if isNew then
  -- What an eviction may have left of an earlier incarnation must not mix with this one.
  redis.call('DEL', history, order, ids, log)
  redis.call('HSET', meta, 'logId', logId, 'userId', userId, 'title', title, 'createdAt', now)
  audit('SESSION_STARTED', '{"userId":' .. json(userId) .. ',"title":' .. cjson.encode(title) .. '}', trace)
end
if messageId ~= '' then
  local message = '{"messageId":"' .. messageId .. '","parentId":' .. json(parent) .. ',"role":"user","text":' .. cjson.encode(prompt)
    .. ',"status":"complete","createdAt":' .. now .. ',"author":' .. json(userId) .. '}'
  keep(messageId, message)
  emit('message', ',"message":' .. message)
  audit('CHAT_MESSAGE', '{"userId":' .. json(userId) .. ',"message":' .. message .. '}', trace)
  parent = messageId
end
if isNew then
  emit('title', ',"title":' .. cjson.encode(title))
end
local started = ',"runId":"' .. runId .. '","parentId":' .. json(parent) .. ',"model":' .. cjson.encode(model)
local offset = emit('run-started', started .. ',"epoch":1,"startedAt":' .. now)
audit('STREAM_STARTED', '{"userId":' .. json(userId) .. started .. ',"startedAt":' .. now .. '}', trace)

local made = runId .. '|' .. string.format('%.0f', offset)
redis.call('HSET', ids, runId, made)
if messageId ~= '' then
  redis.call('HSET', ids, messageId, made)
end
redis.call('HSET', meta, 'active', runId, 'leaf', parent)
redis.call('DEL', text, owner)
redis.call('HSET', run, 'status', 'running', 'parentId', parent, 'model', model, 'startedAt', now, 'trace', trace)
-- Epoch 0 means never claimed; readers are shown 1.
redis.call('HSET', owner, 'runId', '', 'owner', '', 'epoch', 0, 'expires', 0)
redis.call('ZADD', queued, now, conversationId .. ':' .. runId)
touch(meta, log, owner, run, history, order, ids)
return { 'started', runId, offset }
