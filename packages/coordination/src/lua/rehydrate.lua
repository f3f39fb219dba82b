-- rehydrate: puts a conversation back that only the database still knows, so that it goes on as if it had never left.
-- KEYS     meta log channel history order ids tombstone events
-- ARGV     conversationId userId title logId hasMore messages cap
--          messages: JSON list of [messageId, JSON of the message, runId it belongs to], oldest first, at most 200; hasMore '1': there are older
-- Returns  rehydrated logId | exists | forbidden | gone
-- Law      never over a conversation that is here, nor after its deletion (the database may hear of that later); L-2 by audit
local meta, log, channel, history = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local order, ids, tombstone, events = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, userId, title, logId, hasMore = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local messages, cap = cjson.decode(ARGV[6]), tonumber(ARGV[7])
-- @include now
-- @include audit
-- @include keep
-- @include touch

for _, message in ipairs(messages) do
  cjson.decode(message[2])
end
local user = redis.call('HGET', meta, 'userId')
if user == userId then
  return { 'exists' }
elseif user then
  return { 'forbidden' }
elseif redis.call('EXISTS', tombstone) == 1 then
  return { 'gone' }
end
-- HSET before DEL: Redis checks its memory limit at a script's first write only, and lets DEL pass.
redis.call('HSET', meta, 'logId', logId, 'userId', userId, 'title', title, 'createdAt', now, 'offset', 0)
redis.call('DEL', history, order, ids, log)
if hasMore == '1' then
  redis.call('HSET', meta, 'trimmed', '1')
end
for _, message in ipairs(messages) do
  keep(message[1], message[2])
  redis.call('HSET', ids, message[1], message[3] .. '|0')
  redis.call('HSET', meta, 'leaf', message[1])
end
audit('RECOVERY_ATTEMPT', '{"userId":' .. cjson.encode(userId) .. ',"kind":"rehydrate","count":' .. #messages .. '}')
touch(meta, log, history, order, ids)
-- Readers that were told it is empty look again.
redis.call('SPUBLISH', channel, '{"type":"reset","conversationId":"' .. conversationId .. '"}')
return { 'rehydrated', logId }
