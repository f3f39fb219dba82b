#!lua flags=allow-oom
-- end-run: ends a run once: history, `run-ended`, outbox. Nothing of the run comes after it (W-10, W-11).
-- KEYS     meta log channel owner run text cancel history order ids queued leases events store parts partPrefix
-- ARGV     conversationId runId epoch reason bytes sha256 usage error cap finish held shown sum firstWord
--          epoch '' is a gateway that ends a cancelled run; usage, error: JSON or ''; finish: how the model stopped, or ''
--          held: JSON list of [partId, state, bytes, JSON of the part as the end leaves it or '', facts for the audit], by index, '' without
--          parts; shown: JSON list of them for the message; sum: JSON of their number and digest; firstWord: ms from the start to it, or ''
-- Returns  ended offset reason userId | gap bytes | changed | fenced | closed | gone      (changed: the parts are not as the caller holds them)
-- Law      L-1 epoch and length are checked first; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local history, order, ids, queued, leases, events, store = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local parts, partPrefix = KEYS[15], KEYS[16]
local conversationId, runId, epoch, reason, bytes, sha256 = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local usage, failure, cap, finish, shown, sum, firstWord = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10], ARGV[12], ARGV[13], ARGV[14]
local ending = ARGV[11] ~= '' and cjson.decode(ARGV[11]) or {}
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include keep
-- @include touch
-- @include refusal
-- @include recheck
-- @include stateof
-- @include streamed
-- @include dropparts
-- @include wanted

-- Arguments that are copied into an event must each be one JSON value: check before anything is written.
for _, value in ipairs({ usage, failure, shown, sum }) do
  if value ~= '' then
    cjson.decode(value)
  end
end
for _, part in ipairs(ending) do
  if part[4] ~= '' then
    cjson.decode(part[4])
    cjson.decode(part[5])
  end
end
local record = redis.call('HMGET', run, 'status', 'parentId', 'model', 'startedAt', 'trace', 'parts', 'cut', 'lost', 'requested', 'nodes')
local held = redis.call('HMGET', owner, 'runId', 'epoch', 'owner')
local asked = wanted()
if epoch == '' then
  if record[1] ~= 'running' or not asked then
    epoch = '0'
    return { refusal() }
  end
elseif held[1] ~= runId or held[2] ~= epoch then
  return { refusal() }
end
if not record[1] or not redis.call('HGET', meta, 'logId') then
  -- The record of the run or of its conversation was evicted: its owner writes both again.
  return { 'gone' }
end
local length = redis.call('STRLEN', text)
if length ~= tonumber(bytes) then
  return { 'gap', length }
end
if record[6] or #ending > 0 then
  if redis.call('HLEN', parts) ~= #ending then
    return { 'changed' }
  end
  for _, part in ipairs(ending) do
    if stateof(redis.call('HGET', parts, part[1])) ~= part[2] or streamed(part[1]) ~= tonumber(part[3]) then
      return { 'changed' }
    end
  end
end

recheck()
-- The user who cancelled got `cancelling`, so the run ends `cancelled` even if the model finished or failed in that moment.
if asked then
  reason, failure, finish = 'cancelled', '', ''
end
for _, part in ipairs(ending) do
  if part[4] ~= '' then
    emit('part', ',"runId":"' .. runId .. '","part":' .. part[4])
    audit('PART_CHANGED', '{"userId":' .. json(redis.call('HGET', meta, 'userId')) .. ',"runId":"' .. runId .. '",' .. string.sub(part[5], 2), record[5])
  end
end
local ended = ',"reason":' .. cjson.encode(reason) .. ',"bytes":' .. figure(bytes) .. ',"sha256":' .. cjson.encode(sha256)
local finished = finish ~= '' and ',"finish":' .. cjson.encode(finish) or ''
ended = ended .. finished
if usage ~= '' then
  ended = ended .. ',"usage":' .. usage
end
if failure ~= '' then
  ended = ended .. ',"error":' .. failure
end
local cancelled = ''
if asked then
  ended = ended .. ',"cancel":{"requestedAt":' .. figure(string.match(asked, '^%d+') or 0) .. ',"stoppedAt":' .. now .. '}'
  cancelled = ',"cancelledBy":' .. json(string.match(asked, '|(.*)$'))
end
if sum ~= '' then
  ended = ended .. ',"parts":' .. sum
end
-- Of whole answers alone: what was cut, stopped or has no text proves nothing.
local receipt = ''
if reason == 'complete' and length > 0 and (finish == '' or finish == 'stop' or finish == 'tools') then
  receipt = ',"receipt":{"sha256":' .. cjson.encode(sha256) .. ',"bytes":' .. figure(bytes) .. (usage ~= '' and ',"usage":' .. usage or '')
    .. (firstWord ~= '' and ',"firstWordMs":' .. figure(firstWord) or '') .. ',"durationMs":' .. figure(math.max(0, now - (tonumber(record[4]) or now)))
  receipt = receipt .. ',"nodes":['
  local between = ''
  for name in string.gmatch(record[10] or held[3] or '', '[^\n]+') do
    receipt = receipt .. between .. cjson.encode(name)
    between = ','
  end
  receipt = receipt .. ']}'
end
ended = ended .. receipt .. ',"endedAt":' .. now

local listed = shown ~= '' and ',"parts":' .. shown or ''
local content = cjson.encode(redis.call('GET', text) or '')
local trimmed = record[7] and ',"trimmed":{"messages":' .. figure(record[7]) .. ',"tokens":' .. figure(record[8]) .. '}' or ''
local parentId, model = json(record[2]), cjson.encode(record[3])
local requested = record[9] and ',"requestedModel":' .. cjson.encode(record[9]) or ''
keep(runId, '{"messageId":"' .. runId .. '","parentId":' .. parentId .. ',"role":"assistant","text":' .. content
  .. ',"status":' .. cjson.encode(reason) .. finished .. trimmed .. ',"model":' .. model .. requested .. ',"createdAt":' .. figure(record[4])
  .. (usage ~= '' and ',"usage":' .. usage or '') .. listed .. receipt .. '}')
redis.call('HSET', meta, 'leaf', runId)
redis.call('HDEL', meta, 'active')
redis.call('HSET', run, 'status', reason, 'epoch', held[2] or 0)
redis.call('HDEL', run, 'request', 'thread')
local offset = emit('run-ended', ',"runId":"' .. runId .. '"' .. ended)
local words = { complete = 'STREAM_COMPLETED', cancelled = 'STREAM_CANCELLED' }
audit(words[reason] or 'STREAM_ERROR', '{"userId":' .. json(redis.call('HGET', meta, 'userId')) .. ',"runId":"' .. runId .. '","parentId":' .. parentId
  .. ',"model":' .. model .. ',"epoch":' .. figure(held[2]) .. ',"owner":' .. json(held[3]) .. ',"startedAt":' .. figure(record[4]) .. cancelled .. ended
  .. ',"text":' .. content .. '}', record[5])

local member = conversationId .. ':' .. runId
redis.call('ZREM', queued, member)
redis.call('ZREM', leases, member)
redis.call('DEL', owner)
touch(meta, log, history, order, ids)
redis.call('PEXPIRE', run, limits.endedRunMs)
-- The history has it.
redis.call('UNLINK', text)
if record[6] then
  dropparts(parts, partPrefix)
end
redis.call('PEXPIRE', cancel, limits.endedCancelMs)
return { 'ended', offset, reason, redis.call('HGET', meta, 'userId') or '' }
