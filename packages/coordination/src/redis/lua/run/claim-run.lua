#!lua flags=allow-oom
-- claim-run: gives a run that nobody owns to a pod. The epoch rises by one and fences every earlier owner.
-- KEYS     meta log channel owner run text cancel history order ids queued leases events store parts partPrefix
-- ARGV     conversationId runId owner leaseMs models cap
--          models: JSON object, true where the pod can continue a text
-- Returns  claimed epoch logId text parentId model startedAt userId title cancel trace messages doubt claimedAt tries request held system base thread requested used | owned model | unsuited | gone
--          messages: JSON of each, in order of creation; cancel: '<ms>|<userId>' or ''; doubt: it may be an older copy of a run that has
--          ended: 'stale' its owner fell silent or nobody took it for long; 'lost' the store changed since; else ''
--          tries: claims of it, this one too, that no release gave back; held: of each part its JSON, text, input and output; system: the conversation's own
--          text for the model, or ''; base: bytes of its text that another answer left, which it goes on from; thread: as in begin-run, or '';
--          requested: the model that was asked for, or ''; used: JSON of what it had cost when it began to wait for a person, or ''
-- Law      L-1 a live lease is never taken; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local cancel, history, order, ids = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local queued, leases, events, store = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local parts, partPrefix = KEYS[15], KEYS[16]
local conversationId, runId, claimant, leaseMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local models, cap = cjson.decode(ARGV[5]), tonumber(ARGV[6])
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include touch
-- @include recheck
-- @include alive
-- @include wanted
-- @include mend
-- @include written
-- @include stateof
-- @include readparts

local member = conversationId .. ':' .. runId
local record = redis.call('HMGET', run, 'status', 'parentId', 'model', 'startedAt', 'trace', 'epoch', 'parts', 'step', 'requested', 'nodes', 'copied')
local conversation = redis.call('HMGET', meta, 'logId', 'userId', 'title', 'active', 'system')
if not record[1] and conversation[4] == runId then
  -- Its record alone was evicted. What it answers is the newest leaf; its model is not known, so whoever takes it ends it (`model` '').
  record = { 'running', redis.call('HGET', meta, 'leaf') or '', '', now, '', false }
elseif record[1] ~= 'running' or conversation[4] ~= runId then
  redis.call('ZREM', queued, member)
  redis.call('ZREM', leases, member)
  return { 'gone' }
end
local held = redis.call('HMGET', owner, 'epoch', 'expires', 'owner', 'leaseMs', 'parked')
local asked = wanted()
-- Where the owner's record was evicted, its lease gives it the time to notice and to write it again.
if alive(held[2] or redis.call('ZSCORE', leases, member), held[4]) or (held[5] == runId and not asked) then
  return { 'owned', record[3] }
end
-- Older than the store's last change, and neither renewed, released nor begun since: who saw its end has a second to say so, and an
-- owner four to come back and write its answer again. To claim a half answer before would cut it off.
local queuedAt = tonumber(redis.call('ZSCORE', queued, member) or 0)
local since = tonumber(redis.call('HGET', store, 'since') or 0)
local isHeld = (held[3] or '') ~= ''
-- The database's copy of an answer that waited: an owner that lives and went on with it has a moment to write what it has.
local claims, copiedAt = string.match(record[11] or '', '^(%d+):(%d+)$')
-- So it has where the store changed: it may have gone back to a moment in which the answer waited.
local isYoung = copiedAt and tonumber(now) < copiedAt + limits.copyMs or record[7] and not isHeld and since > 0 and tonumber(now) < since + limits.copyMs
if isYoung and not asked then
  return { 'owned', record[3] }
end
local isLost = not copiedAt and since > 0 and (isHeld and tonumber(held[2]) <= since + limits.changedLeaseMs or not isHeld and queuedAt <= since)
if isLost and tonumber(now) < since + (isHeld and limits.ownerBackMs or limits.endToldMs) then
  return { 'owned', record[3] }
end
local canContinue = models[record[3]]
-- Any pod may take a run that only has to be ended.
if canContinue == nil and not asked and record[3] ~= '' then
  return { 'unsuited' }
end

local base = tonumber(redis.call('HGET', run, 'base') or 0)
local doubt = isLost and 'lost' or (copiedAt or isHeld or (queuedAt > 0 and queuedAt < now - limits.staleQueueMs)) and 'stale' or ''
recheck()
-- Each claim writes its epoch twice: with one of the keys evicted, two owners would have the same.
local epoch = math.max(tonumber(held[1] or 0), tonumber(record[6] or 0), tonumber(claims or 0)) + 1
if copiedAt then
  -- Owners that the database has not heard of had the next ones: none of them may write with this one's.
  epoch = epoch + limits.copyEpochs
  redis.call('HDEL', run, 'copied')
end
redis.call('HSET', owner, 'runId', runId, 'owner', claimant, 'epoch', epoch, 'expires', string.format('%.0f', now + leaseMs),
  'leaseMs', leaseMs, 'writer', asked and '' or runId .. ':' .. epoch)
local tries = redis.call('HINCRBY', owner, 'tries', 1)
if record[3] == '' then
  redis.call('HSET', run, 'status', 'running', 'parentId', record[2], 'model', '', 'startedAt', record[4])
end
-- Who wrote it, for its receipt: a line each, the newest last.
local nodes = record[10] or ''
if string.match(nodes, '[^\n]*$') ~= claimant and #nodes < limits.nodesBytes then
  nodes = nodes == '' and claimant or nodes .. '\n' .. claimant
end
redis.call('HSET', run, 'epoch', epoch, 'nodes', nodes)
redis.call('ZREM', queued, member)
redis.call('ZADD', leases, string.format('%.0f', now + leaseMs), member)
mend()
if epoch > 1 then
  local length = redis.call('STRLEN', text)
  -- A half answer whose text was evicted begins again, and its readers are told so.
  local restarted = not asked and record[3] ~= '' and not isLost and (not canContinue or length == 0 and not record[7] and written())
  if restarted and record[7] then
    -- The model begins again at the last end of a step; with calls still open it is not its turn yet, and nothing goes.
    for _, part in ipairs(redis.call('HVALS', parts)) do
      local state = stateof(part)
      if state == 'ready' or state == 'waiting' or state == 'approved' or state == 'running' or state == 'unknown' then
        restarted = false
      end
    end
    local step = tonumber(record[8] or 0)
    restarted = restarted and length > step
    if restarted and step > 0 then
      redis.call('SET', text, redis.call('GETRANGE', text, 0, step - 1), 'KEEPTTL')
    elseif restarted then
      redis.call('DEL', text)
    end
  elseif restarted and base > 0 and length > base then
    redis.call('SET', text, redis.call('GETRANGE', text, 0, base - 1), 'KEEPTTL')
  elseif restarted and length ~= base then
    redis.call('DEL', text)
  end
  local moved = ',"runId":"' .. runId .. '","epoch":' .. figure(epoch) .. ',"bytes":' .. figure(redis.call('STRLEN', text)) .. ',"restarted":' .. tostring(restarted)
  emit('run-moved', moved)
  audit('RECOVERY_ATTEMPT', '{"userId":' .. json(conversation[2]) .. moved .. ',"kind":"claim","owner":' .. json(claimant) .. '}',
    record[5])
  touch(meta, log, owner, run, history, order)
end
local messageIds = redis.call('ZRANGE', order, 0, -1)
local messages = #messageIds > 0 and redis.call('HMGET', history, unpack(messageIds)) or {}
return { 'claimed', epoch, redis.call('HGET', meta, 'logId'), redis.call('GET', text) or '', record[2], record[3], tonumber(record[4]), conversation[2],
  conversation[3], asked or '', record[5], messages, doubt, tonumber(now), tries, redis.call('HGET', run, 'request') or '',
  record[7] and readparts() or {}, conversation[5] or '', base, redis.call('HGET', run, 'thread') or '', record[9] or '',
  record[7] and redis.call('HGET', run, 'used') or '' }
