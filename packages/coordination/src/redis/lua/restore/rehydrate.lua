-- rehydrate: puts a conversation back that only the database still knows, so that it goes on as if it had never left; to one that may
-- have lost its tail with the store's (`lossy`) it adds what the database has more, under a new logId.
-- KEYS     meta log channel history order ids tombstone events store whose owner queued work runPrefix
-- ARGV     conversationId userId title logId hasMore messages cap system model waiting
--          messages: JSON list of [messageId, JSON of the message, runId it belongs to], oldest first, at most 200; hasMore '1': there are older; system, model: its own, or ''
--          waiting: JSON of an answer that waits for a person, as `putback` has it, or ''
-- Returns  rehydrated logId title system model | exists | forbidden | gone
-- Law      W-17 with the answer that waits; never over what is here, nor after its owner's deletion, which 0.1.0 noted without a name (the database may hear of that later); L-2 by audit
local meta, log, channel, history = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local order, ids, tombstone, events, store, whose = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local owner, queued, work, runPrefix = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local conversationId, userId, title, logId, hasMore = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local messages, cap, system, model = cjson.decode(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9]
local waiting = ARGV[10] ~= '' and cjson.decode(ARGV[10])
-- @include now
-- @include audit
-- @include keep
-- @include touch
-- @include hold
-- @include emit
-- @include generation
-- @include recheck
-- @include mend
-- @include putback
-- @include figure

local active = redis.call('HGET', meta, 'active')
local isRoomy = redis.call('ZCARD', order) < limits.messages
local function lacks(message)
  local kept = redis.call('HGET', history, message[1])
  if not kept then
    -- A run that is active here has no message yet: `restore-end` writes its end. What is known and not here was evicted, or is older than
    -- the newest 200.
    return redis.call('HEXISTS', ids, message[1]) == 0 or message[1] ~= active and (isRoomy or redis.call('ZSCORE', order, message[1]))
  end
  return cjson.decode(kept).status ~= 'deleted' and cjson.decode(message[2]).status == 'deleted'
end

local function own()
  if system ~= '' then
    redis.call('HSETNX', meta, 'system', system)
  end
  if model ~= '' then
    redis.call('HSETNX', meta, 'model', model)
    redis.call('HSET', meta, 'preset', '1')
  end
end

-- What was evicted and the database does not have either.
local function forget(stored)
  local has = {}
  for _, message in ipairs(stored) do
    has[message[1]] = true
  end
  for _, id in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    if not has[id] and redis.call('HEXISTS', history, id) == 0 then
      redis.call('ZREM', order, id)
      redis.call('HSET', meta, 'trimmed', '1')
    end
  end
end

for _, message in ipairs(messages) do
  cjson.decode(message[2])
end
for _, part in ipairs(waiting and waiting[16] or {}) do
  cjson.decode(part[1])
end
local function told(count, cameBack)
  audit('RECOVERY_ATTEMPT', '{"userId":' .. cjson.encode(userId) .. ',"kind":"rehydrate","count":' .. figure(count)
    .. (cameBack and ',"runId":' .. cjson.encode(waiting[1]) or '') .. '}')
end
-- As they stand now: the database may be behind what its owner has changed since.
local function rehydrated()
  local own = redis.call('HMGET', meta, 'title', 'system', 'model')
  return { 'rehydrated', logId, own[1] or '', own[2] or '', own[3] or '' }
end
local function keepLong(kept)
  for _, key in ipairs(kept or {}) do
    redis.call('PEXPIRE', key, limits.parkedMs)
  end
end
local user = redis.call('HGET', meta, 'userId')
if user == userId then
  recheck()
  mend()
  local lossy = redis.call('HGET', meta, 'lossy')
  local missing = {}
  for _, message in ipairs(lossy and messages or {}) do
    if lacks(message) then
      missing[#missing + 1] = message
    end
  end
  if lossy and now - lossy > limits.lastLookMs then
    -- Events relayed before the store changed are in the database by now: no further read is needed.
    redis.call('HDEL', meta, 'lossy')
    forget(messages)
  end
  local isUntitled = title ~= '' and redis.call('HDEL', meta, 'untitled') == 1 and redis.call('HGET', meta, 'title') ~= title
  if isUntitled then
    redis.call('HSET', meta, 'title', title)
  end
  if lossy or isUntitled then
    own()
  end
  -- Also where nothing else is missing: the database may have heard of it after the rest was put back.
  local cameBack = waiting and putback(waiting) or nil
  if #missing == 0 and not isUntitled and not cameBack then
    return { 'exists' }
  end
  redis.call('HSET', meta, 'logId', logId, 'offset', 0, 'auditSeq', 0)
  if redis.call('HEXISTS', meta, 'active') == 0 then
    redis.call('HDEL', meta, 'before')
  end
  redis.call('DEL', log)
  local first = redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')
  -- Where keys were evicted, the database has what is older than what is here, too.
  local eldest = redis.call('HEXISTS', meta, 'mended') == 1 and first[1] and redis.call('HGET', history, first[1])
  local since = eldest and cjson.decode(eldest).createdAt or 0
  local earlier = {}
  for _, message in ipairs(missing) do
    if redis.call('HEXISTS', history, message[1]) == 1 or redis.call('ZSCORE', order, message[1]) then
      redis.call('HSET', history, message[1], message[2])
    elseif cjson.decode(message[2]).createdAt < since then
      earlier[#earlier + 1] = message
    else
      keep(message[1], message[2])
      redis.call('HSET', ids, message[1], message[3] .. '|0')
      if redis.call('HEXISTS', meta, 'active') == 0 then
        redis.call('HSET', meta, 'leaf', message[1])
      end
    end
  end
  for index, message in ipairs(earlier) do
    redis.call('HSET', history, message[1], message[2])
    redis.call('ZADD', order, string.format('%.0f', first[2] - #earlier + index - 1), message[1])
    redis.call('HSETNX', ids, message[1], message[3] .. '|0')
  end
  -- The first event of the log names it; readers get the snapshot.
  emit('title', ',"title":' .. cjson.encode(redis.call('HGET', meta, 'title') or ''))
  told(#missing, cameBack)
  touch(meta, log, history, order, ids)
  keepLong(cameBack)
  return rehydrated()
elseif user then
  return { 'forbidden' }
end
local deleted = redis.call('GET', tombstone)
if deleted and (deleted == '1' or deleted == redis.sha1hex(conversationId .. ':' .. userId)) then
  return { 'gone' }
end
-- HSET before DEL: Redis checks its memory limit at a script's first write only, and lets DEL pass.
redis.call('HSET', meta, 'logId', logId, 'userId', userId, 'title', title, 'createdAt', now, 'offset', 0, 'generation', generation())
own()
redis.call('DEL', history, order, ids, log)
if hasMore == '1' then
  redis.call('HSET', meta, 'trimmed', '1')
end
for _, message in ipairs(messages) do
  keep(message[1], message[2])
  redis.call('HSET', ids, message[1], message[3] .. '|0')
  redis.call('HSET', meta, 'leaf', message[1])
end
local cameBack = waiting and putback(waiting) or nil
told(#messages, cameBack)
touch(meta, log, history, order, ids)
keepLong(cameBack)
hold()
-- Readers that got an empty snapshot read again.
redis.call('SPUBLISH', channel, '{"type":"reset","conversationId":"' .. conversationId .. '"}')
return rehydrated()
