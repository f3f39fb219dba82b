-- restore-run: the owner writes a run again that the store has lost, in part or whole (L-6); who has claimed an older copy writes what it waited for.
-- KEYS     meta log channel owner run text cancel history order ids queued leases events store whose parts partPrefix
-- ARGV     conversationId runId epoch owner leaseMs logId userId title parentId model startedAt content messages cap request held step claimed
--          messages: JSON list of [messageId, JSON of the message, runId it belongs to], from the root on, and where it has parts its JSON without them and a list of what the audit is told of its files
--          held: JSON list of [JSON of a part, text, input, output, partId, its JSON as it began] by index; step: as for put-part
--          claimed: the epoch by which it has the run now, to be written again under a higher one; '': the run is not claimed first
-- Returns  restored logId | busy | fenced | closed
-- Law      L-1 never over a higher epoch or an ended run, nor with a claim that another has taken over; L-6 the log starts again under a new logId, except when the conversation
--          was made again meanwhile: then its log stays and what is missing is added to it
local meta, log, channel, owner, run, text, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local history, order, ids, queued, leases, events = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local store, whose, parts, partPrefix = KEYS[14], KEYS[15], KEYS[16], KEYS[17]
local conversationId, runId, epoch, claimant, leaseMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local logId, userId, title, parentId, model, startedAt = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local content, messages, cap, request = ARGV[12], cjson.decode(ARGV[13]), tonumber(ARGV[14]), ARGV[15]
local held, step, claimed = cjson.decode(ARGV[16]), ARGV[17], ARGV[18]
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include keep
-- @include touch
-- @include hold
-- @include generation
-- @include recheck
-- @include dropparts
-- @include mend
-- @include wanted

-- Messages go into events as they came: each has to be one JSON value, before anything is written.
for _, earlier in ipairs(messages) do
  cjson.decode(earlier[2])
  for _, fact in ipairs(earlier[5] or {}) do
    cjson.decode(fact)
  end
end
for _, part in ipairs(held) do
  cjson.decode(part[1])
  cjson.decode(part[6])
end
local conversation = redis.call('HMGET', meta, 'userId', 'active', 'logId')
local status = redis.call('HGET', run, 'status')
if not status and conversation[1] and conversation[2] == runId then
  -- Its record alone was evicted: it has not ended.
  status = 'running'
end
local remade = conversation[1] and not status
if (status and status ~= 'running') or (conversation[1] and conversation[1] ~= userId) then
  return { 'closed' }
elseif conversation[2] and conversation[2] ~= runId then
  return { 'busy' }
elseif status then
  local owned = redis.call('HMGET', owner, 'epoch', 'owner')
  local stored = tonumber(owned[1] or 0)
  if stored > tonumber(epoch) or (stored == tonumber(epoch) and owned[2] ~= claimant) then
    return { 'fenced' }
  elseif stored == tonumber(epoch) and conversation[3] == logId and redis.call('GET', text) == content then
    return { 'restored', logId }
  elseif claimed ~= '' and (stored ~= tonumber(claimed) or owned[2] ~= claimant) then
    return { 'fenced' }
  end
elseif claimed ~= '' then
  -- What was claimed went with a store that changed once more.
  return { 'fenced' }
elseif remade and (redis.call('HEXISTS', ids, runId) == 1 or redis.call('HEXISTS', history, runId) == 1) then
  -- It ended here longer ago than a run's record lives.
  return { 'closed' }
end

if not remade then
  redis.call('DEL', log)
  if not conversation[1] then
    -- With the run's record here, only the conversation's was evicted: what is left is of the same life.
    if not status then
      redis.call('DEL', history, order, ids, cancel)
    end
    local place = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2] or 0
    -- Other messages of the conversation are only in the database, and its title, if it was renamed while the run was written.
    redis.call('HSET', meta, 'userId', userId, 'title', title, 'createdAt', now, 'trimmed', '1', 'untitled', '1', 'messageSeq', place)
  end
  redis.call('HSET', meta, 'logId', logId, 'offset', 0, 'auditSeq', 0, 'generation', generation(), 'lossy', now)
  redis.call('HDEL', meta, 'before')
else
  recheck()
end
mend()
-- What is older than what is kept here is not put behind it: it stays with the run.
local eldest = conversation[1] and redis.call('HEXISTS', meta, 'trimmed') == 1 and redis.call('ZRANGE', order, 0, 0)[1]
local first = eldest and redis.call('HGET', history, eldest)
local since = first and cjson.decode(first).createdAt or 0
local said = {}
for index, message in ipairs(messages) do
  said[index] = message[4] or message[2]
  if cjson.decode(message[2]).createdAt >= since and redis.call('HSETNX', ids, message[1], message[3] .. '|0') == 1 then
    keep(message[1], message[2])
    if remade then
      emit('message', ',"message":' .. message[2])
    end
  end
end
local nodes = redis.call('HGET', run, 'nodes') or ''
if string.match(nodes, '[^\n]*$') ~= claimant and #nodes < limits.nodesBytes then
  nodes = nodes == '' and claimant or nodes .. '\n' .. claimant
end
redis.call('HSET', run, 'status', 'running', 'parentId', parentId, 'model', model, 'startedAt', startedAt, 'epoch', epoch, 'request', request, 'nodes', nodes)
local thread = {}
for _, message in ipairs(messages) do
  if redis.call('HEXISTS', history, message[1]) == 0 then
    thread[#thread + 1] = { message[1], message[2] }
  end
end
redis.call('HDEL', run, 'thread')
if #thread > 0 then
  redis.call('HSET', run, 'thread', cjson.encode(thread))
end
redis.call('SET', text, content)
dropparts(parts, partPrefix)
redis.call('HDEL', run, 'parts', 'step', 'waiting', 'copied')
-- The database's copy of it may wait for a person.
redis.call('HDEL', owner, 'parked')
for _, part in ipairs(held) do
  redis.call('HSET', parts, part[5], part[1])
  for index, field in ipairs({ ':text', ':input', ':output' }) do
    if part[index + 1] ~= '' then
      redis.call('SET', partPrefix .. part[5] .. field, part[index + 1], 'PX', limits.lifeMs)
    end
  end
end
if #held > 0 then
  redis.call('HSET', run, 'parts', '1', 'step', step ~= '' and step or 0)
  redis.call('PEXPIRE', parts, limits.lifeMs)
end
local expires = string.format('%.0f', now + leaseMs)
local asked = wanted()
redis.call('HSET', owner, 'runId', runId, 'owner', claimant, 'epoch', epoch, 'expires', expires,
  'leaseMs', leaseMs, 'writer', asked and '' or runId .. ':' .. epoch)
redis.call('ZREM', queued, conversationId .. ':' .. runId)
redis.call('ZADD', leases, expires, conversationId .. ':' .. runId)
redis.call('HSET', meta, 'active', runId, 'leaf', parentId)

local named = ',"runId":"' .. runId .. '"'
local moved = named .. ',"epoch":' .. figure(epoch) .. ',"bytes":' .. #content .. ',"restarted":false'
local offset
if remade then
  offset = emit('run-started', named .. ',"parentId":' .. json(parentId) .. ',"model":' .. cjson.encode(model) .. ',"epoch":' .. figure(epoch)
    .. ',"startedAt":' .. figure(startedAt))
  if content ~= '' then
    emit('chunk', named .. ',"at":0,"t":' .. now .. ',"text":' .. cjson.encode(content))
  end
  for _, part in ipairs(held) do
    -- Its content goes first under a state in which it may grow; readers hold what the last event says.
    emit('part', named .. ',"part":' .. part[6])
    for index, field in ipairs({ 'text', 'input', 'output' }) do
      if part[index + 1] ~= '' then
        emit('part-chunk', named .. ',"partId":' .. cjson.encode(part[5]) .. ',"field":' .. cjson.encode(field) .. ',"at":0,"t":' .. now .. ',"text":' .. cjson.encode(part[index + 1]))
      end
    end
    if part[6] ~= part[1] then
      emit('part', named .. ',"part":' .. part[1])
    end
  end
else
  offset = emit('run-moved', moved)
end
redis.call('HSET', ids, runId, runId .. '|' .. string.format('%.0f', offset))
local told = '{"userId":' .. json(userId) .. moved .. ',"kind":"restore","owner":' .. json(claimant) .. ',"title":' .. cjson.encode(title)
  .. ',"parentId":' .. json(parentId) .. ',"model":' .. cjson.encode(model) .. ',"startedAt":' .. figure(startedAt)
-- A long conversation is split into several audit events: one event could exceed Kafka's record limit.
local part, parts, size = {}, 0, 0
local function tell()
  parts = parts + 1
  audit('RECOVERY_ATTEMPT', told .. (parts > 1 and ',"part":' .. figure(parts) or '') .. ',"messages":[' .. table.concat(part, ',') .. ']}')
  part, size = {}, 0
end
for _, message in ipairs(said) do
  if size > 0 and size + #message > limits.toldBytes then
    tell()
  end
  part[#part + 1] = message
  size = size + #message
end
tell()
for _, message in ipairs(messages) do
  for _, fact in ipairs(message[5] or {}) do
    audit('PART_CHANGED', '{"userId":' .. json(userId) .. ',"runId":' .. json(message[1]) .. ',' .. string.sub(fact, 2))
  end
end
touch(meta, log, owner, run, text, history, order, ids)
hold()
return { 'restored', redis.call('HGET', meta, 'logId') }
