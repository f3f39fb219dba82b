-- read-history: a page of messages before a message, newest last.
-- KEYS     meta history order
-- ARGV     userId before limit room most      (before '' is the newest page; room, most: as in read-state)
-- Returns  page hasMore messages cut | large | none | forbidden      (cut: more would have had no room)
-- Law      a message that is not here any more has no page here: the database has it
local meta, history, order = KEYS[1], KEYS[2], KEYS[3]
local userId, before, limit, room, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- @include fitting

local conversation = redis.call('HMGET', meta, 'userId', 'trimmed')
if not conversation[1] then
  return { 'none' }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
end
local last = before == '' and redis.call('ZCARD', order) or redis.call('ZRANK', order, before)
local first = math.max(0, (last or 0) - limit)
if not last or last == 0 then
  return { 'page', (conversation[2] or first > 0) and 1 or 0, {}, 0 }
end
local ids = redis.call('ZREVRANGE', order, redis.call('ZCARD', order) - last, redis.call('ZCARD', order) - first - 1)
local chosen, size, whole = fitting(ids, room)
if most > 0 and size > most then
  return { 'large' }
end
local hasMore = (conversation[2] or not whole or first > 0) and 1 or 0
return { 'page', hasMore, redis.call('HMGET', history, unpack(chosen)), whole and 0 or 1 }
