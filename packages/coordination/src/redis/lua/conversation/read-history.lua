-- read-history: a page of messages before a message, newest last.
-- KEYS     meta history order store tombstone ids
-- ARGV     userId before limit room most conversationId      (before '' is the newest page; room, most: as in read-state)
-- Returns  page hasMore messages cut lossy | large | none deleted | forbidden
--          (cut: more would have had no room; lossy: the store changed behind it or its owner is unproven, and the database may know
--          more; deleted: absent, or by this person while the database may not know yet)
-- Law      a message that is not here any more has no page here: the database has it
local meta, history, order, store, tombstone, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local userId, before, limit, room, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local conversationId = ARGV[6]
-- @include now
-- @include fitting
-- @include mend

local conversation = redis.call('HMGET', meta, 'userId', 'trimmed', 'generation', 'lossy', 'unproven')
if not conversation[1] then
  local deleted = redis.call('GET', tombstone)
  if deleted and (deleted == '1' or deleted == redis.sha1hex(conversationId .. ':' .. userId)) then
    return { 'none', 'deleted' }
  end
  return { 'none' }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
end
if mend() then
  conversation[2], conversation[4] = '1', conversation[4] or now
end
local isOlder = (redis.call('HGET', store, 'n') or '0') ~= (conversation[3] or '0')
local lossy = (isOlder or conversation[4] or conversation[5]) and 1 or 0
local last = before == '' and redis.call('ZCARD', order) or redis.call('ZRANK', order, before)
local first = math.max(0, (last or 0) - limit)
if not last or last == 0 then
  return { 'page', (conversation[2] or first > 0) and 1 or 0, {}, 0, lossy }
end
local asked = redis.call('ZREVRANGE', order, redis.call('ZCARD', order) - last, redis.call('ZCARD', order) - first - 1)
local chosen, size, whole = fitting(asked, room)
if most > 0 and size > most then
  return { 'large' }
end
local hasMore = (conversation[2] or not whole or first > 0) and 1 or 0
return { 'page', hasMore, #chosen > 0 and redis.call('HMGET', history, unpack(chosen)) or {}, whole and 0 or 1, lossy }
