-- read-state: one atomic view of a conversation: everything after a cursor when the log still has it, else a snapshot.
-- KEYS     meta log owner history order runPrefix channel store whose ids queued leases
--          runPrefix: start of the keys of a run, which is known only here; same slot
-- ARGV     userId logId offset room most events bytes conversationId
--          userId '' is an internal read; logId '' has no cursor; room: bytes of messages at most, but the newest;
--          most: an answer of more bytes is not given here (0: any is); events, bytes: a tail has so many at most
-- Returns  none | forbidden doubtful | large | tail logId offset entries
--          | snapshot logId offset title hasMore messages run lossy unproven
--          (run: {} or runId parentId model epoch startedAt text held waiting cut lost; doubtful: the database knows better)
-- Law      W-7 never a gap: what cannot be filled by events is answered by a snapshot; W-13 a log that may have lost its tail is renamed
--          before it is read; lossy 1: the store changed behind it, and the database may know more; 2: the cursor did know more
local meta, log, owner, history, order, runPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local userId, cursorLog, cursor = ARGV[1], ARGV[2], tonumber(ARGV[3])
local channel, store, whose = KEYS[7], KEYS[8], KEYS[9]
local ids, queued, leases = KEYS[10], KEYS[11], KEYS[12]
local room, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local events, bytes, conversationId = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
-- @include now
-- @include emit
-- @include recheck
-- @include fitting
-- @include theirs
-- @include alive
-- @include generation
-- @include mend
-- @include rename
-- @include revive
-- @include findable
-- @include written
-- @include rewind

local fields = { 'userId', 'logId', 'offset', 'title', 'active', 'trimmed', 'generation', 'lossy', 'unproven', 'before' }
local state = redis.call('HMGET', meta, unpack(fields))
if not state[1] and revive() then
  state = redis.call('HMGET', meta, unpack(fields))
end
if userId ~= '' and theirs(state[1]) then
  return { 'forbidden', (not state[1] or state[9]) and 1 or 0 }
elseif not state[1] then
  return { 'none' }
end
if (redis.call('HGET', store, 'n') or '0') ~= (state[7] or '0') then
  recheck()
  state = redis.call('HMGET', meta, unpack(fields))
end
if state[5] then
  findable(state[5])
end
if rewind(state[5]) then
  state = redis.call('HMGET', meta, unpack(fields))
end
local offset = tonumber(state[3] or 0)
local missed = offset - cursor
if cursorLog == state[2] and missed >= 0 and missed <= events then
  local entries, size = {}, 0
  for index, entry in ipairs(redis.call('XRANGE', log, string.format('%.0f-0', cursor + 1), '+')) do
    entries[index] = entry[2][2]
    size = size + #entries[index]
  end
  -- A reader who is far behind is not handed the same megabytes in small pieces.
  if #entries == missed and size <= bytes then
    if most > 0 and size > most then
      return { 'large' }
    end
    return { 'tail', state[2], offset, entries }
  end
end

if mend() then
  state[6], state[8] = '1', state[8] or now
end
local newest, size, whole = fitting(redis.call('ZREVRANGE', order, 0, limits.pageMessages - 1), room)
local textKey = state[5] and runPrefix .. state[5] .. ':text'
if most > 0 and size + (textKey and redis.call('STRLEN', textKey) or 0) > most then
  return { 'large' }
end
local messages = #newest > 0 and redis.call('HMGET', history, unpack(newest)) or {}
local running = {}
if state[5] then
  local key = runPrefix .. state[5]
  local run = redis.call('HMGET', key, 'parentId', 'model', 'startedAt', 'parts', 'waiting', 'epoch', 'cut', 'lost', 'requested')
  local epoch = math.max(1, tonumber(redis.call('HGET', owner, 'epoch') or run[6] or 0))
  running = { state[5], run[1] or '', run[2] or '', epoch, tonumber(run[3] or 0), redis.call('GET', textKey) or '', {}, '', run[7] or '', run[8] or '', run[9] or '' }
  if run[4] then
    local parts, partPrefix = key .. ':parts', key .. ':part:'
    -- @include readparts
    running[7], running[8] = readparts(), run[5] or ''
  end
end
local lossy = state[8] and 1 or 0
local beforeLog, beforeOffset = string.match(state[10] or '', '^(.*):(%d+)$')
if beforeLog and cursorLog ~= '' and cursorLog ~= state[2] then
  -- A log that neither is here nor was when the store changed began behind what the store has: it went back twice. Not for long, as
  -- it may also be of a reader who has slept since long ago.
  local isNewer = beforeLog ~= cursorLog and lossy == 1 and now - state[8] < limits.newerMs
  if isNewer or (beforeLog == cursorLog and cursor > tonumber(beforeOffset)) then
    lossy = 2
  end
end
local hasMore = (state[6] or not whole or redis.call('ZCARD', order) > limits.pageMessages) and 1 or 0
return { 'snapshot', state[2], offset, state[4], hasMore, messages, running, lossy, state[9] and 1 or 0 }
