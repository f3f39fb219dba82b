-- propose-title: gives a conversation the title that a model made of its first question and answer, where nobody has called it anything yet.
-- KEYS     meta log channel history order ids events store
-- ARGV     conversationId userId promptId runId expected title model cap
--          promptId, runId: the messages it was made of; expected: the title in whose place it comes; model: which one made it
-- Returns  named offset | kept | doubtful | gone
--          (kept: it has another title; doubtful: the database may know a newer one; gone: the conversation, or one of the two messages)
-- Law      L-2, L-3 by emit and audit; compare and set: what a person did is never undone, and of two titles the first stands
local meta, log, channel, history, order, ids, events, store = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local conversationId, userId, promptId, runId = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local expected, title, model, cap = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
-- @include now
-- @include emit
-- @include audit
-- @include touch

local known = redis.call('HMGET', meta, 'userId', 'title', 'titled', 'generation', 'lossy', 'untitled', 'unproven')
if known[1] ~= userId then
  return { 'gone' }
end
-- A store that went back may have lost a rename that the database has.
if (redis.call('HGET', store, 'n') or '0') ~= (known[4] or '0') or known[5] or known[6] or known[7] then
  return { 'doubtful' }
end
-- Within a string of JSON the quotes are escaped: only the message's own status can look so.
local function stands(messageId)
  local message = redis.call('HGET', history, messageId)
  return message and not string.find(message, '"status":"deleted"', 1, true)
end
if not stands(promptId) or not stands(runId) then
  return { 'gone' }
elseif known[3] or known[2] ~= expected then
  return { 'kept' }
end
-- The digest: a release that knows nothing of `titled` may give it another title.
redis.call('HSET', meta, 'title', title, 'titled', promptId .. ' ' .. runId .. ' ' .. redis.sha1hex(title))
local offset = emit('title', ',"title":' .. cjson.encode(title))
audit('TITLE_CHANGED', '{"userId":' .. cjson.encode(userId) .. ',"title":' .. cjson.encode(title) .. ',"model":' .. cjson.encode(model) .. '}')
touch(meta, log, history, order, ids)
return { 'named', offset }
