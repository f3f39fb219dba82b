-- read-history: a page of messages before a message, newest last.
-- KEYS     meta history order
-- ARGV     userId before limit      (before '' is the newest page)
-- Returns  page hasMore messages | none | forbidden
-- Law      a message that is not here any more has no page here: the database has it
local meta, history, order = KEYS[1], KEYS[2], KEYS[3]
local userId, before, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

local conversation = redis.call('HMGET', meta, 'userId', 'trimmed')
if not conversation[1] then
  return { 'none' }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
end
local last = before == '' and redis.call('ZCARD', order) or redis.call('ZRANK', order, before)
local first = math.max(0, (last or 0) - limit)
local hasMore = (conversation[2] or first > 0) and 1 or 0
if not last or last == 0 then
  return { 'page', hasMore, {} }
end
return { 'page', hasMore, redis.call('HMGET', history, unpack(redis.call('ZRANGE', order, first, last - 1))) }
