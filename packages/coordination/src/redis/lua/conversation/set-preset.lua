-- set-preset: gives a conversation another text for its models, or another model.
-- KEYS     meta log channel history order ids events store
-- ARGV     conversationId userId system model change cap
--          change: 's' system, 'm' model, 'sm' both; an empty one is taken away
-- Returns  done offset title | not-found | forbidden
-- Law      L-2 by audit; no event of the log: nothing that is shown changes
local meta, log, channel, history, order, ids, events, store = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, userId, system, model, change, cap = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
-- @include now
-- @include emit
-- @include audit
-- @include touch
-- @include recheck

local user = redis.call('HGET', meta, 'userId')
if not user then
  return { 'not-found' }
elseif user ~= userId then
  return { 'forbidden' }
end
recheck()
local told = '{"userId":' .. cjson.encode(userId)
local function set(field, value)
  if value == '' then
    redis.call('HDEL', meta, field)
  else
    redis.call('HSET', meta, field, value)
  end
end
if string.find(change, 's', 1, true) then
  set('system', system)
  told = told .. ',"text":' .. cjson.encode(system)
end
if string.find(change, 'm', 1, true) then
  set('model', model)
  told = told .. ',"model":' .. cjson.encode(model)
end
if model ~= '' then
  redis.call('HSET', meta, 'preset', '1')
end
audit('PRESET_CHANGED', told .. '}')
touch(meta, log, history, order, ids)
local known = redis.call('HMGET', meta, 'offset', 'title')
return { 'done', tonumber(known[1] or 0), known[2] or '' }
