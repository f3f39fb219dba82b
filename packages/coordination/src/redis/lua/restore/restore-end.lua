#!lua flags=allow-oom
-- restore-end: who saw a run's end writes it again as it was, when the store has gone back behind it or lost it (L-6).
-- KEYS     meta log channel owner run text cancel history order ids queued leases events tombstone store whose parts partPrefix
-- ARGV     conversationId runId epoch logId userId title parentId model startedAt content messages message ended cap
--          messages: as in restore-run; message: JSON of the answer; ended: JSON object, the fields of `run-ended` but `endedAt`
-- Returns  restored logId | stands | busy | closed
-- Law      L-1 an end that stands is never written over, nor what was deleted or belongs to somebody else; whoever claimed the run
--          meanwhile is fenced, whatever its epoch; L-6 the log starts again under a new logId; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local history, order, ids, queued, leases, events = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local tombstone, store, whose, parts, partPrefix = KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18]
local conversationId, runId, epoch, logId, userId, title = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local parentId, model, startedAt, content = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local messages, message, ended, cap = cjson.decode(ARGV[11]), ARGV[12], ARGV[13], tonumber(ARGV[14])
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include keep
-- @include touch
-- @include hold
-- @include generation
-- @include dropparts
-- @include mend

-- Messages go into events as they came: each has to be one JSON value, before anything is written.
for _, earlier in ipairs(messages) do
  cjson.decode(earlier[2])
end
cjson.decode(message)
if redis.call('HGET', meta, 'userId') == userId then
  mend()
end
local reason = cjson.decode(ended).reason
local conversation = redis.call('HMGET', meta, 'userId', 'active', 'createdAt')
local record = redis.call('HMGET', run, 'status', 'trace')
local status = record[1]
if conversation[1] and conversation[1] ~= userId then
  return { 'closed' }
elseif not conversation[1] and (status == 'deleted' or redis.call('EXISTS', tombstone) == 1) then
  return { 'closed' }
elseif conversation[1] and status ~= 'running' and tonumber(conversation[3] or 0) > tonumber(startedAt) then
  -- Made again after this run: it was deleted meanwhile, or what the database has of it was put back.
  return { 'closed' }
elseif (status and status ~= 'running') or redis.call('HEXISTS', history, runId) == 1 then
  return { 'stands' }
elseif conversation[1] and not status and redis.call('HEXISTS', ids, runId) == 1 then
  -- It ended here longer ago than a run's record lives.
  return { 'stands' }
elseif conversation[2] and conversation[2] ~= runId then
  return { 'busy' }
end

redis.call('DEL', log)
if not conversation[1] then
  redis.call('DEL', history, order, ids)
  -- Other messages of the conversation are only in the database.
  -- So may its title be: this one is from when the run began.
  redis.call('HSET', meta, 'userId', userId, 'title', title, 'createdAt', startedAt, 'trimmed', '1', 'untitled', '1')
end
redis.call('HSET', meta, 'logId', logId, 'offset', 0, 'auditSeq', 0, 'generation', generation(), 'lossy', now)
redis.call('HDEL', meta, 'before')
for _, earlier in ipairs(messages) do
  if redis.call('HSETNX', ids, earlier[1], earlier[3] .. '|0') == 1 then
    keep(earlier[1], earlier[2])
    emit('message', ',"message":' .. earlier[2])
  end
end
keep(runId, message)
local fields = string.sub(ended, 2, -2) .. ',"endedAt":' .. now
local offset = emit('run-ended', ',' .. fields)
redis.call('HSET', ids, runId, runId .. '|' .. string.format('%.0f', offset))
redis.call('HSET', meta, 'leaf', runId)
redis.call('HDEL', meta, 'active')
local held = tonumber(redis.call('HGET', owner, 'epoch') or 0)
redis.call('HSET', run, 'status', reason, 'epoch', math.max(held, tonumber(epoch)), 'parentId', parentId, 'model', model, 'startedAt', startedAt)
redis.call('HDEL', run, 'request', 'thread')
local words = { complete = 'STREAM_COMPLETED', cancelled = 'STREAM_CANCELLED' }
audit(words[reason] or 'STREAM_ERROR', '{"userId":' .. json(userId) .. ',"parentId":' .. json(parentId) .. ',"model":' .. cjson.encode(model)
  .. ',"epoch":' .. figure(epoch) .. ',"startedAt":' .. figure(startedAt) .. ',"restored":true,' .. fields .. ',"text":' .. cjson.encode(content) .. '}', record[2])

local member = conversationId .. ':' .. runId
redis.call('ZREM', queued, member)
redis.call('ZREM', leases, member)
redis.call('DEL', owner, text, cancel)
dropparts(parts, partPrefix)
touch(meta, log, history, order, ids)
hold()
redis.call('PEXPIRE', run, limits.endedRunMs)
return { 'restored', logId }
