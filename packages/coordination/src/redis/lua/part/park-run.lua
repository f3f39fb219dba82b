#!lua flags=allow-oom
-- park-run: nobody holds the run until people have decided; it costs nothing meanwhile, and is kept for 31 days.
-- KEYS     meta log channel owner run text parts partPrefix history order ids queued leases events
-- ARGV     conversationId runId epoch partIds bytes cap used tell standing
--          partIds: JSON list; bytes: of the text; used: JSON of what the run has cost, or ''; tell '1': only the audit is told, so that the
--          database has it before anybody lets go of it; its owner parks it afterwards; standing: the parts as their owner has them (sameparts)
-- Returns  told | parked offset userId | changed | gap bytes | cancelled | fenced | closed | gone      (changed: one of them is decided already)
-- Law      L-1 epoch, length and states are checked first; L-2, L-3 by emit and audit; W-17
local meta, log, channel, owner, run, text, parts, partPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local history, order, ids, queued, leases, events = KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local conversationId, runId, epoch, partIds, bytes, cap, used = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local tell, standing = ARGV[8] == '1', ARGV[9]
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include refusal
-- @include writer
-- @include stateof
-- @include streamed
-- @include sameparts

if used ~= '' then
  cjson.decode(used)
end
local refused = writer()
if refused then
  return { refused }
end
local known = redis.call('HMGET', meta, 'logId', 'userId')
if not known[1] then
  return { 'gone' }
end
local length = redis.call('STRLEN', text)
if length ~= tonumber(bytes) then
  return { 'gap', length }
end
for _, partId in ipairs(cjson.decode(partIds)) do
  local state = stateof(redis.call('HGET', parts, partId))
  if state == '' then
    return { 'gone' }
  elseif state ~= 'waiting' and state ~= 'unknown' then
    return { 'changed' }
  end
end
if not sameparts(standing) then
  return { 'gone' }
end
local named = ',"runId":"' .. runId .. '"'
local what = epoch .. ' ' .. bytes .. ' ' .. partIds
if redis.call('HGET', run, 'told') ~= what then
  -- With all that another store needs to go on with it, should this one forget it.
  local record = redis.call('HMGET', run, 'parentId', 'model', 'startedAt', 'cut', 'lost', 'requested', 'base', 'request', 'trace')
  local facts = ',"parentId":' .. json(record[1]) .. ',"model":' .. cjson.encode(record[2] or '') .. ',"startedAt":' .. figure(record[3])
    .. ',"parts":' .. figure(redis.call('HLEN', parts))
  if used ~= '' then
    facts = facts .. ',"used":' .. used
  end
  if record[4] then
    facts = facts .. ',"trimmed":{"messages":' .. figure(record[4]) .. ',"tokens":' .. figure(record[5]) .. '}'
  end
  if record[6] then
    facts = facts .. ',"requestedModel":' .. cjson.encode(record[6])
  end
  if record[7] then
    facts = facts .. ',"base":' .. figure(record[7])
  end
  if record[8] and record[8] ~= '' then
    facts = facts .. ',"request":{"text":' .. cjson.encode(record[8]) .. '}'
  end
  audit('RUN_WAITING', '{"userId":' .. json(known[2]) .. named .. ',"epoch":' .. figure(epoch) .. ',"bytes":' .. figure(length) .. ',"partIds":' .. partIds
    .. facts .. ',"text":' .. cjson.encode(redis.call('GET', text) or '') .. '}', record[9] or '')
end
if tell then
  redis.call('HSET', run, 'told', what)
  return { 'told' }
end
redis.call('HDEL', run, 'told')
redis.call('HSET', run, 'waiting', partIds, 'step', bytes, 'used', used)
redis.call('HSET', owner, 'runId', '', 'owner', '', 'expires', 0, 'writer', '', 'parked', runId)
-- It has gone on as far as it could: no sign that the run fells its owners.
redis.call('HSET', owner, 'tries', 0)
redis.call('ZREM', leases, conversationId .. ':' .. runId)
redis.call('ZREM', queued, conversationId .. ':' .. runId)
local offset = emit('run-waiting', named .. ',"partIds":' .. partIds)
redis.call('XTRIM', log, 'MAXLEN', '~', limits.logEvents)
-- A node of a stream is made 4 KiB large for what may come; read back it is as large as what is in it. Without the right to, it stays as it was.
if redis.call('XLEN', log) <= 100 then
  local written = redis.pcall('DUMP', log)
  if type(written) == 'string' then
    redis.pcall('RESTORE', log, 0, written, 'REPLACE')
  end
end
for _, key in ipairs({ meta, log, owner, run, text, parts, history, order, ids }) do
  redis.call('PEXPIRE', key, limits.parkedMs)
end
for _, id in ipairs(redis.call('HKEYS', parts)) do
  for _, field in ipairs({ ':text', ':input', ':output' }) do
    redis.call('PEXPIRE', partPrefix .. id .. field, limits.parkedMs)
  end
end
return { 'parked', offset, known[2] or '' }
