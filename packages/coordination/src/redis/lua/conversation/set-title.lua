-- set-title: gives a conversation another title.
-- KEYS     meta log channel history order ids events store
-- ARGV     conversationId userId title cap
-- Returns  done offset | not-found | forbidden
-- Law      L-2, L-3 by emit and audit
local meta, log, channel, history, order, ids, events, store = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, userId, title, cap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
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
redis.call('HSET', meta, 'title', title, 'titled', 'person')
redis.call('HDEL', meta, 'untitled')
local offset = emit('title', ',"title":' .. cjson.encode(title))
audit('TITLE_CHANGED', '{"userId":' .. cjson.encode(userId) .. ',"title":' .. cjson.encode(title) .. '}')
touch(meta, log, history, order, ids)
return { 'done', offset }
