-- begin-run: starts a run, with its user message, and the conversation when it is new.
-- KEYS     meta log channel owner run text cancel history order ids queued leases events relay store whose runPrefix
--          runPrefix: start of the keys of a run, which may be another one; same slot
-- ARGV     conversationId userId runId model messageId prompt parent title seed logId trace cap making request room continues preset files facts blind thread
--          messageId '' answers `parent` once more; parent '*' is the newest leaf, '' a root;
--          seed: JSON list of [messageId, role, text], earlier turns of a new conversation
--          request: JSON of what the model is asked beside the thread, or ''
--          making: what the database said: '' it was not asked, proven: it was, unproven: it could not be; then the parent of a new
--          conversation may be one that only the database knows
--          room: tokens of a thread that the model takes, '' any; continues: an answer to `parent` whose text the run's begins with, or ''
--          files: JSON list of the message's parts, or ''; facts: JSON list of what the audit is told of each; blind '1': the model takes no
--          pictures
--          preset '1': nobody named the model, so that of the conversation is asked for instead
--          thread: JSON list of [messageId, JSON of the message], what the database has from the root on to the first that is not here; '' it was
--          not asked yet
-- Returns  started runId offset title | duplicate runId offset | busy runId | other-model model | unfit why | none | lossy | older messageId | forbidden doubtful | not-found | overloaded
--          (lossy: the store changed behind the conversation; the message may be in the database, with its answer; older: this one, and what is
--          above it, are older than what is kept here)
-- Law      L-1 a message or run seen before answers with the run it made; one run at a time; L-2, L-3 by emit and audit
local meta, log, channel, owner, run, text, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local history, order, ids, queued, leases, events, relay = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local store, whose, runPrefix = KEYS[15], KEYS[16], KEYS[17]
local conversationId, userId, runId, model, messageId, prompt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local parent, title, seed, logId, trace, cap = ARGV[7], ARGV[8], cjson.decode(ARGV[9]), ARGV[10], ARGV[11], tonumber(ARGV[12])
local making, request, room, continues, preset = ARGV[13], ARGV[14], tonumber(ARGV[15]), ARGV[16], ARGV[17]
local files, facts, blind = ARGV[18], cjson.decode(ARGV[19]), ARGV[20]
local thread = ARGV[21]
-- @include now
-- @include json
-- @include figure
-- @include emit
-- @include audit
-- @include keep
-- @include touch
-- @include say
-- @include theirs
-- @include hold
-- @include generation
-- @include recheck
-- @include alive
-- @include stored
-- @include weigh
-- @include fit
-- @include mend
-- @include rename
-- @include revive
-- @include findable

-- Checked before the first write: half a state change is worse than none (L-2).
for _, turn in ipairs(seed) do
  if type(turn) ~= 'table' or type(turn[1]) ~= 'string' or type(turn[2]) ~= 'string' or type(turn[3]) ~= 'string' then
    return redis.error_reply('ERR seed: not a list of turns')
  end
end
if redis.call('EXISTS', meta) == 0 then
  revive()
end
local known = redis.call('HMGET', meta, 'userId', 'active', 'leaf', 'title', 'unproven', 'generation', 'lossy', 'model', 'system', 'trimmed', 'preset')
local isNew = not known[1]
if theirs(known[1]) then
  return { 'forbidden', (isNew or known[5]) and 1 or 0 }
elseif isNew and making == '' then
  return { 'none' }
end
if not isNew and mend() then
  known[7] = known[7] or now
end
local seen = not isNew and ((messageId ~= '' and redis.call('HGET', ids, messageId)) or redis.call('HGET', ids, runId))
-- A question that came back without its run (the store lost both, and the database had heard of the question): asked again it is answered,
-- as nobody else will.
local unanswered = seen and messageId ~= '' and not known[2] and string.match(seen, '^[^|]*') == messageId
  and redis.call('HEXISTS', ids, runId) == 0 and redis.call('HGET', history, messageId)
-- An answer is named as its run, too.
unanswered = unanswered and cjson.decode(unanswered).role == 'user' and messageId or nil
if unanswered then
  parent, messageId = unanswered, ''
elseif seen then
  local bar = string.find(seen, '|', 1, true)
  return { 'duplicate', string.sub(seen, 1, bar - 1), tonumber(string.sub(seen, bar + 1)) }
end
if known[2] then
  findable(known[2])
  return { 'busy', known[2] }
end
if not isNew and making == '' and (known[7] or (redis.call('HGET', store, 'n') or '0') ~= (known[6] or '0')) then
  return { 'lossy' }
end
local isNamed = parent ~= '*'
parent = isNamed and parent or known[3] or ''
if thread == '' and not isNew and known[10] and not known[5] then
  local missing = beyond(continues ~= '' and continues or parent)
  if missing then
    return { 'older', missing }
  end
end
if isNamed and parent ~= '' and (not isNew or making ~= 'unproven') and redis.call('HEXISTS', ids, parent) == 0 and not older[parent] then
  return { 'not-found' }
end
local brought = files ~= '' and cjson.decode(files) or nil
for _, fact in ipairs(facts) do
  cjson.decode(fact)
end
if messageId == '' then
  local asked = not isNew and stored(parent)
  local question = asked and cjson.decode(asked)
  if not question or question.role ~= 'user' or question.status == 'deleted' then
    return { 'not-found' }
  end
  brought = question.parts
end
local begun = ''
if continues ~= '' then
  local kept = not isNew and stored(continues)
  local earlier = kept and cjson.decode(kept)
  if not earlier or earlier.role ~= 'assistant' or earlier.parentId ~= parent or earlier.status == 'deleted' or earlier.text == '' then
    return { 'not-found' }
  elseif earlier.status == 'complete' and (earlier.finish == 'stop' or earlier.finish == 'tools') then
    -- It is whole: there is nothing to go on with. Of one without a word (an older pod's) nobody knows.
    return { 'not-found' }
  end
  begun = earlier.text
end
if preset == '1' and known[8] and known[8] ~= model then
  return { 'other-model', known[8] }
end
local weight, isSeen = weigh(brought)
if isSeen and blind == '1' then
  return { 'unfit', 'blind' }
elseif room and weight > room then
  return { 'unfit', 'room' }
end
if redis.call('EXISTS', relay) == 1 and redis.call('XLEN', events) >= cap then
  return { 'overloaded' }
end

recheck()
if isNew then
  -- HSET before DEL: Redis checks its memory limit at a script's first write only, and lets DEL pass.
  redis.call('HSET', meta, 'logId', logId, 'userId', userId, 'title', title, 'createdAt', now, 'generation', generation())
  if making == 'unproven' then
    -- There may be earlier turns in the database.
    redis.call('HSET', meta, 'unproven', '1', 'trimmed', '1')
  end
  -- Remove keys that an eviction left of an earlier incarnation.
  redis.call('DEL', history, order, ids, log)
  audit('SESSION_STARTED', '{"userId":' .. json(userId) .. ',"title":' .. cjson.encode(title) .. '}', trace)
end
if isNew and messageId ~= '' then
  for _, turn in ipairs(seed) do
    say(turn[1], turn[2], turn[3])
  end
end
if messageId ~= '' then
  leaveOut()
  say(messageId, 'user', prompt, files ~= '' and files, facts)
end
if isNew then
  emit('title', ',"title":' .. cjson.encode(title))
end
local cut, lost = 0, 0
if room then
  cut, lost = fit(parent, room - math.ceil(#(known[9] or '') / 4))
end
local started = ',"runId":"' .. runId .. '","parentId":' .. json(parent) .. ',"model":' .. cjson.encode(model)
if cut > 0 then
  started = started .. ',"trimmed":{"messages":' .. figure(cut) .. ',"tokens":' .. figure(lost) .. '}'
end
local offset = emit('run-started', started .. ',"epoch":1,"startedAt":' .. now)
local from = continues ~= '' and ',"continues":' .. json(continues) or ''
audit('STREAM_STARTED', '{"userId":' .. json(userId) .. started .. from .. ',"startedAt":' .. now .. '}', trace)
if known[11] and preset ~= '1' and model ~= known[8] then
  -- Somebody had chosen another one for it.
  audit('PRESET_CHANGED', '{"userId":' .. json(userId) .. ',"model":' .. cjson.encode(model) .. '}', trace)
end
if begun ~= '' then
  emit('chunk', ',"runId":"' .. runId .. '","at":0,"t":' .. now .. ',"text":' .. cjson.encode(begun))
end

local made = runId .. '|' .. string.format('%.0f', offset)
redis.call('HSET', ids, runId, made)
said[#said + 1] = unanswered or nil
for _, id in ipairs(said) do
  redis.call('HSET', ids, id, made)
end
redis.call('HSET', meta, 'active', runId, 'leaf', parent)
if model ~= 'default' then
  redis.call('HSET', meta, 'model', model)
end
-- A run of this name may have been in a conversation deleted minutes ago. Its owner may still write: the epoch goes on from there, and nothing
-- else of it does.
local epoch = redis.call('HGET', run, 'epoch') or 0
redis.call('DEL', text, owner, cancel, run)
redis.call('HSET', run, 'status', 'running', 'parentId', parent, 'model', model, 'startedAt', now, 'trace', trace, 'request', request, 'epoch', epoch)
if begun ~= '' then
  redis.call('SET', text, begun, 'PX', limits.lifeMs)
  redis.call('HSET', run, 'base', #begun, 'step', #begun)
end
if cut > 0 then
  redis.call('HSET', run, 'cut', cut, 'lost', lost)
end
if #missed > 0 then
  redis.call('HSET', run, 'thread', cjson.encode(missed))
end
-- Epoch 0 means never claimed; readers are shown 1.
redis.call('HSET', owner, 'runId', '', 'owner', '', 'epoch', epoch, 'expires', 0)
redis.call('ZADD', queued, now, conversationId .. ':' .. runId)
touch(meta, log, owner, run, history, order, ids)
hold()
return { 'started', runId, offset, known[4] or title }
