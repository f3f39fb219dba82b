#!lua flags=allow-oom
-- end-run: ends a run once: history, `run-ended`, outbox. Nothing of the run comes after it (W-10, W-11).
-- KEYS     meta log channel owner run text cancel history order ids queued leases events store
-- ARGV     conversationId runId epoch reason bytes sha256 usage error cap finish
--          epoch '' is a gateway that ends a cancelled run; usage, error: JSON or ''; finish: how the model stopped, or ''
-- Returns  ended offset reason | gap bytes | fenced | closed | gone
-- Law      L-1 epoch and length are checked first; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local history, order, ids, queued, leases, events, store = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local conversationId, runId, epoch, reason, bytes, sha256 = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local usage, failure, cap, finish = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10]
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include keep
-- @include touch
-- @include refusal
-- @include recheck
-- @include wanted

-- Arguments that are copied into an event must each be one JSON value: check before anything is written.
for _, value in ipairs({ usage, failure }) do
  if value ~= '' then
    cjson.decode(value)
  end
end
local record = redis.call('HMGET', run, 'status', 'parentId', 'model', 'startedAt', 'trace')
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

recheck()
-- The user who cancelled got `cancelling`, so the run ends `cancelled` even if the model finished or failed in that moment.
if asked then
  reason, failure, finish = 'cancelled', '', ''
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
ended = ended .. ',"endedAt":' .. now

local content = cjson.encode(redis.call('GET', text) or '')
local parentId, model = json(record[2]), cjson.encode(record[3])
keep(runId, '{"messageId":"' .. runId .. '","parentId":' .. parentId .. ',"role":"assistant","text":' .. content
  .. ',"status":' .. cjson.encode(reason) .. finished .. ',"model":' .. model .. ',"createdAt":' .. figure(record[4])
  .. (usage ~= '' and ',"usage":' .. usage or '') .. '}')
redis.call('HSET', meta, 'leaf', runId)
redis.call('HDEL', meta, 'active')
redis.call('HSET', run, 'status', reason, 'epoch', held[2] or 0)
redis.call('HDEL', run, 'request')
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
redis.call('PEXPIRE', run, 300000)
-- The history has it.
redis.call('UNLINK', text)
redis.call('PEXPIRE', cancel, 60000)
return { 'ended', offset, reason }
