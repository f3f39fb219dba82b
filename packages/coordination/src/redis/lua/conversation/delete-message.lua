#!lua flags=allow-oom
-- delete-message: the text goes everywhere it is kept here, the place in the tree stays (soft delete).
-- KEYS     meta log channel text history order ids events store runPrefix work
-- ARGV     conversationId userId messageId cap looked words
--          text: of the run that wrote this message, should it be one; runPrefix: start of the keys of the one that is active
--          looked: for a message that is older than what is kept here: '' the database was not asked yet, found: it has it, with these words;
--          away: it could not be asked
-- Returns  done offset untitled | not-found older | forbidden | busy runId      (older 1: ask the database first)
-- Law      L-2, L-3 by emit and audit; catching up begins behind the deletion, for the log held the text too
local meta, log, channel, text, history, order, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local events, store, runPrefix, work = KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local conversationId, userId, messageId, cap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local looked, words = ARGV[5], ARGV[6]
-- @include now
-- @include emit
-- @include audit
-- @include touch
-- @include repeats
-- @include madeof
-- @include recheck
-- @include mend
-- @include rename
-- @include written
-- @include rewind

local conversation = redis.call('HMGET', meta, 'userId', 'active', 'offset', 'title', 'trimmed', 'titled')
if not conversation[1] then
  return { 'not-found', 0 }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
elseif conversation[2] == messageId then
  return { 'busy', messageId }
end
mend()
local isLost = redis.call('HEXISTS', history, messageId) == 0 and redis.call('ZSCORE', order, messageId)
-- To delete what was evicted would leave no place in the tree: the database puts it back first.
local isOlder = conversation[5] and redis.call('HEXISTS', history, messageId) == 0
if isLost or (isOlder and looked == '') or (redis.call('HEXISTS', ids, messageId) == 0 and not (isOlder and looked == 'found')) then
  return { 'not-found', isOlder and not isLost and looked == '' and 1 or 0 }
end
local kept = redis.call('HGET', history, messageId)
local message = kept and cjson.decode(kept)
if message and message.status == 'deleted' then
  return { 'done', tonumber(conversation[3]) }
elseif message then
  words = message.text
  message.text, message.status, message.parts, message.receipt = '', 'deleted', nil, nil
  redis.call('HSET', history, messageId, cjson.encode(message))
end
redis.call('DEL', text)
-- A running answer may have the words above it.
local thread = isOlder and conversation[2] and redis.call('HGET', runPrefix .. conversation[2], 'thread')
if thread then
  local turns = cjson.decode(thread)
  for _, turn in ipairs(turns) do
    if turn[1] == messageId then
      local one = cjson.decode(turn[2])
      one.text, one.status, one.parts = '', 'deleted', nil
      turn[2] = cjson.encode(one)
    end
  end
  redis.call('HSET', runPrefix .. conversation[2], 'thread', cjson.encode(turns))
end
-- The log is cut below: what it tells of a lost text is used before.
rewind(conversation[2])
recheck()
local offset = emit('message-deleted', ',"messageId":"' .. messageId .. '"')
redis.call('XTRIM', log, 'MINID', string.format('%.0f-0', offset))
-- Who remembers an end with these words would write them again after a loss of the store.
redis.call('SPUBLISH', work, '{"kind":"deleted","conversationId":"' .. conversationId .. '","messageId":"' .. messageId .. '"}')
audit('MESSAGE_DELETED', '{"userId":' .. cjson.encode(userId) .. ',"messageId":"' .. messageId .. '"}')
-- A conversation is called by its first message, or by what a model made of it: then the deleted words stand in the title, too.
if repeats(conversation[4] or '', words) or madeof(conversation[6], conversation[4] or '', messageId) then
  redis.call('HSET', meta, 'title', '')
  redis.call('HDEL', meta, 'untitled', 'titled')
  offset = emit('title', ',"title":""')
  audit('TITLE_CHANGED', '{"userId":' .. cjson.encode(userId) .. ',"title":""}')
  touch(meta, log, history, order, ids)
  return { 'done', offset, 'untitled' }
end
touch(meta, log, history, order, ids)
return { 'done', offset }
