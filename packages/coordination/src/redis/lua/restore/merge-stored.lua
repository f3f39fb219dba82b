-- merge-stored: what the database has of a conversation and the store has not goes under what is here; the conversation is proven then.
-- KEYS     meta log channel history order ids events whose
-- ARGV     conversationId userId title logId hasMore messages cap system model
--          as for rehydrate; no messages: the database does not know the conversation
-- Returns  merged logId title system model | proven title system model | gone | forbidden
-- Law      what is here stays as it is; L-6 the log starts again under a new logId, so that every reader gets all of it; L-2, L-3
local meta, log, channel, history, order, ids, events, whose = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, userId, title, logId, hasMore = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local messages, cap, system, model = cjson.decode(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9]
-- @include now
-- @include emit
-- @include audit
-- @include touch
-- @include hold
-- @include mend

local known = redis.call('HMGET', meta, 'userId', 'unproven', 'titled')
if not known[1] then
  return { 'gone' }
elseif known[1] ~= userId then
  return { 'forbidden' }
end
mend()
local function chosen()
  local own = redis.call('HMGET', meta, 'title', 'system', 'model')
  return { own[1] or '', own[2] or '', own[3] or '' }
end
local lacking = {}
for _, message in ipairs(messages) do
  if redis.call('HEXISTS', ids, message[1]) == 0 then
    lacking[#lacking + 1] = message
  end
end
local isUntitled = title ~= '' and redis.call('HDEL', meta, 'untitled') == 1 and redis.call('HGET', meta, 'title') ~= title
if #lacking == 0 and not known[2] and not isUntitled then
  return { 'proven' }
end
hold()
-- It was made while the database was away: what it had been given before counts where it was given nothing since.
if known[2] and system ~= '' then
  redis.call('HSETNX', meta, 'system', system)
end
if known[2] and model ~= '' and redis.call('HSETNX', meta, 'model', model) == 1 then
  redis.call('HSET', meta, 'preset', '1')
end
local first = redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')
local position = tonumber(first[2] or 1) - #lacking
for _, message in ipairs(lacking) do
  redis.call('HSET', history, message[1], message[2])
  redis.call('ZADD', order, string.format('%.0f', position), message[1])
  redis.call('HSET', ids, message[1], message[3] .. '|0')
  position = position + 1
end
local surplus = redis.call('ZCARD', order) - limits.messages
if surplus > 0 then
  local oldest = redis.call('ZRANGE', order, 0, surplus - 1)
  redis.call('HDEL', history, unpack(oldest))
  redis.call('ZREM', order, unpack(oldest))
end
if surplus > 0 or hasMore == '1' then
  redis.call('HSET', meta, 'trimmed', '1')
elseif known[2] then
  redis.call('HDEL', meta, 'trimmed')
end
redis.call('HDEL', meta, 'unproven')
if #lacking == 0 and not isUntitled then
  return { 'proven', unpack(chosen()) }
end
redis.call('DEL', log)
redis.call('HSET', meta, 'logId', logId, 'offset', 0, 'auditSeq', 0)
-- The database may not have heard yet what its owner calls it now.
if known[3] ~= 'person' then
  redis.call('HSET', meta, 'title', title)
end
emit('title', ',"title":' .. cjson.encode(redis.call('HGET', meta, 'title') or ''))
audit('RECOVERY_ATTEMPT', '{"userId":' .. cjson.encode(userId) .. ',"kind":"merge","count":' .. #lacking .. '}')
touch(meta, log, history, order, ids)
return { 'merged', logId, unpack(chosen()) }
