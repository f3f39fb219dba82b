-- append-part-chunk: adds to a streamed field of a part at the byte its owner expects. As for `append-chunk`, expiry does not slide.
-- KEYS     meta log channel owner run parts partPrefix
--          partPrefix: as for `put-part`
-- ARGV     conversationId runId epoch partId field at chunk t
-- Returns  appended offset | duplicate | gap bytes | cancelled | fenced | closed | gone
-- Law      L-1 epoch and position are checked before anything changes; L-2, L-3 by emit; W-16 a part in a final state is closed
local meta, log, channel, owner, run, parts, partPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local conversationId, runId, epoch, partId, field = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at, chunk, t = tonumber(ARGV[6]), ARGV[7], ARGV[8]
-- @include figure
-- @include emit
-- @include refusal
-- @include writer
-- @include stateof
-- @include isfinal

local refused = writer()
if refused and refused ~= 'cancelled' then
  return { refused }
end
local kept = redis.call('HGET', parts, partId)
if not kept or redis.call('HEXISTS', meta, 'logId') == 0 then
  return { 'gone' }
end
local key = partPrefix .. partId .. ':' .. field
local bytes = redis.call('STRLEN', key)
if bytes ~= at then
  if at + #chunk <= bytes and (chunk == '' or redis.call('GETRANGE', key, at, at + #chunk - 1) == chunk) then
    return { 'duplicate' }
  end
  return { 'gap', bytes }
elseif refused then
  return { refused }
elseif isfinal(stateof(kept)) then
  return { 'closed' }
end
redis.call('APPEND', key, chunk)
if bytes == 0 then
  redis.call('PEXPIRE', key, limits.lifeMs)
end
local offset = emit('part-chunk', ',"runId":"' .. runId .. '","partId":"' .. partId .. '","field":' .. cjson.encode(field) .. ',"at":' .. bytes
  .. ',"t":' .. figure(t) .. ',"text":' .. cjson.encode(chunk))
if offset % limits.trimEvery == 0 or #chunk > limits.largeChunkBytes then
  redis.call('XTRIM', log, 'MAXLEN', '~', limits.logEvents)
end
return { 'appended', offset }
