#!lua flags=allow-oom
-- switch-model: an answer that has not begun is asked of another model; readers are told by one more `run-started`.
-- KEYS     meta log channel owner run text events
-- ARGV     conversationId runId epoch model cut lost cap      (cut, lost: messages and tokens of the thread that it does not get)
-- Returns  switched offset | duplicate | begun | cancelled | fenced | closed | gone
-- Law      L-1 epoch and length are checked first; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local conversationId, runId, epoch, model = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local cut, lost, cap = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include refusal
-- @include writer

local refused = writer()
if refused then
  return { refused }
end
local record = redis.call('HMGET', run, 'parentId', 'model', 'startedAt', 'trace', 'parts', 'requested')
local known = redis.call('HMGET', meta, 'logId', 'userId')
if not known[1] or not record[3] then
  return { 'gone' }
elseif record[2] == model then
  return { 'duplicate' }
elseif record[5] or redis.call('STRLEN', text) > 0 then
  return { 'begun' }
end
local requested = record[6] or record[2]
redis.call('HSET', run, 'model', model, 'requested', requested)
redis.call('HDEL', run, 'cut', 'lost')
local started = ',"runId":"' .. runId .. '","parentId":' .. json(record[1]) .. ',"model":' .. cjson.encode(model)
  .. ',"requestedModel":' .. cjson.encode(requested)
if cut > 0 then
  redis.call('HSET', run, 'cut', cut, 'lost', lost)
  started = started .. ',"trimmed":{"messages":' .. figure(cut) .. ',"tokens":' .. figure(lost) .. '}'
end
local offset = emit('run-started', started .. ',"epoch":' .. figure(epoch) .. ',"startedAt":' .. figure(record[3]))
audit('STREAM_STARTED', '{"userId":' .. json(known[2]) .. started .. ',"startedAt":' .. figure(record[3]) .. '}', record[4] or '')
return { 'switched', offset }
