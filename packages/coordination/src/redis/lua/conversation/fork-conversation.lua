-- fork-conversation: a new conversation that begins as a branch of another one of the same person, up to one of its messages.
-- KEYS     meta log channel history order ids tombstone events relay store whose
-- ARGV     conversationId userId title logId source messages cap making system model
--          source: JSON of the conversation and the message it comes from, for the audit
--          messages: JSON list of [messageId, JSON of the message, runId it belongs to, JSON of it without its parts, facts: JSON of what the audit is
--          told of each part], from the root on; making: as in `begin-run`; system, model: its own, or ''
-- Returns  forked | duplicate | exists | none | gone | overloaded | forbidden doubtful
--          (duplicate: it is here and has the last of these messages; none: the database is asked first whose the id is; gone: it was deleted)
-- Law      L-2 by audit: all of it is told here, since nobody tells of it again
local meta, log, channel, history, order, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local tombstone, events, relay, store, whose = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local conversationId, userId, title, logId, source = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local messages, cap, making = cjson.decode(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local system, model = ARGV[9], ARGV[10]
-- @include now
-- @include json
-- @include audit
-- @include keep
-- @include touch
-- @include theirs
-- @include hold
-- @include generation

-- Checked before the first write: half a state change is worse than none (L-2).
cjson.decode(source)
for _, message in ipairs(messages) do
  cjson.decode(message[2])
  cjson.decode(message[4])
  for _, fact in ipairs(message[5]) do
    cjson.decode(fact)
  end
end
local known = redis.call('HMGET', meta, 'userId', 'unproven')
if theirs(known[1]) then
  return { 'forbidden', (not known[1] or known[2]) and 1 or 0 }
end
local last = messages[#messages][1]
if known[1] and redis.call('HEXISTS', ids, last) == 1 then
  return { 'duplicate' }
elseif known[1] then
  return { 'exists' }
end
local deleted = redis.call('GET', tombstone)
if deleted and (deleted == '1' or deleted == redis.sha1hex(conversationId .. ':' .. userId)) then
  return { 'gone' }
end
-- What an eviction left is somebody's until the database says whose.
if making == '' or making ~= 'proven' and redis.call('EXISTS', history, order, ids) > 0 then
  return { 'none' }
end
if redis.call('EXISTS', relay) == 1 and redis.call('XLEN', events) >= cap then
  return { 'overloaded' }
end

-- HSET before DEL: Redis checks its memory limit at a script's first write only, and lets DEL pass.
redis.call('HSET', meta, 'logId', logId, 'userId', userId, 'title', title, 'createdAt', now, 'offset', 0, 'leaf', last, 'generation', generation())
if making ~= 'proven' then
  redis.call('HSET', meta, 'unproven', '1', 'trimmed', '1')
end
redis.call('DEL', history, order, ids, log)
local user = '{"userId":' .. json(userId)
audit('SESSION_STARTED', user .. ',"title":' .. cjson.encode(title) .. ',"forkedFrom":' .. source .. '}')
for _, message in ipairs(messages) do
  keep(message[1], message[2])
  redis.call('HSET', ids, message[1], message[3] .. '|0')
  audit('CHAT_MESSAGE', user .. ',"message":' .. message[4] .. '}')
end
-- Behind all messages: of one millisecond, their order is that of these events.
for _, message in ipairs(messages) do
  local messageId = message[1]
  for _, fact in ipairs(message[5]) do
    audit('PART_CHANGED', user .. ',"runId":"' .. messageId .. '",' .. string.sub(fact, 2))
  end
end
local own = ''
if system ~= '' then
  redis.call('HSET', meta, 'system', system)
  own = ',"text":' .. cjson.encode(system)
end
if model ~= '' then
  redis.call('HSET', meta, 'model', model, 'preset', '1')
  own = own .. ',"model":' .. cjson.encode(model)
end
if own ~= '' then
  audit('PRESET_CHANGED', user .. own .. '}')
end
touch(meta, log, history, order, ids)
hold()
-- Readers that got an empty snapshot read again.
redis.call('SPUBLISH', channel, '{"type":"reset","conversationId":"' .. conversationId .. '"}')
return { 'forked' }
