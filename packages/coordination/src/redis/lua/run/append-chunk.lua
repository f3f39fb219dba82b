-- append-chunk: adds text at the byte position its owner expects. The hot path: one call a chunk, so expiry slides at begin-run and
-- end-run only (a run is shorter than a day), and the log is trimmed on every 64th offset or behind a large chunk. One field says who may append: `writer`,
-- which a claim sets and a cancel empties (docs/decisions/0010). The event is written in place for the same reason.
-- KEYS     meta log channel owner run text
-- ARGV     conversationId runId epoch at chunk t
-- Returns  appended offset | duplicate | gap bytes | cancelled | fenced | closed | gone   (appended: the offset alone)
-- Law      L-1 epoch and position are checked before anything changes; L-2, L-3 as in emit
local meta, log, channel, owner, run, text = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local conversationId, runId, epoch, at, chunk, t = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local frozen = false
if redis.call('HGET', owner, 'writer') ~= runId .. ':' .. epoch then
  -- @include refusal
  local held = redis.call('HMGET', owner, 'runId', 'epoch')
  if held[1] ~= runId or held[2] ~= epoch then
    return { refusal() }
  end
  -- It holds the run and may not write: a cancel is wanted.
  frozen = true
end
local bytes = redis.call('STRLEN', text)
if bytes ~= tonumber(at) then
  -- The answer to an earlier call was lost: the same bytes are there already. This comes before the cancel check, for the
  -- owner must learn that its text stands.
  if at + #chunk <= bytes and (chunk == '' or redis.call('GETRANGE', text, at, at + #chunk - 1) == chunk) then
    return { 'duplicate' }
  end
  return { 'gap', bytes }
elseif frozen then
  return { 'cancelled' }
end
local offset = redis.call('HINCRBY', meta, 'offset', 1)
if offset == 1 then
  -- A chunk is never the first event: the record of the conversation was evicted, and its owner writes it again.
  redis.call('DEL', meta)
  return { 'gone' }
end
redis.call('APPEND', text, chunk)
if bytes == 0 then
  redis.call('PEXPIRE', text, limits.lifeMs)
end
-- Not by `figure`: it costs a tenth of this script. `at` equals `bytes` here.
local after = tonumber(t)
after = after and after >= 0 and after < 1e14 and math.floor(after) or 0
local position = string.format('%.0f', offset)
local event = '{"type":"chunk","conversationId":"' .. conversationId .. '","offset":' .. position .. ',"runId":"' .. runId .. '","at":' .. bytes
  .. ',"t":' .. after .. ',"text":' .. cjson.encode(chunk) .. '}'
redis.call('XADD', log, position .. '-0', 'event', event)
redis.call('SPUBLISH', channel, event)
-- `read-state` returns at most 256 events and 512 KiB: older entries would never be read.
if offset % limits.trimEvery == 0 then
  redis.call('XTRIM', log, 'MAXLEN', '~', limits.logEvents)
elseif #chunk > limits.largeChunkBytes then
  redis.call('XTRIM', log, 'MAXLEN', math.max(1, math.floor(limits.logBytes / #chunk)))
end
return offset -- appended
