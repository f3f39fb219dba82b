-- note-conversation: keeps a user's list of conversations: the newest 1000, for a day after the last change. It has a slot of its own,
-- so it is written after the change it notes, best effort; the database has the whole list.
-- KEYS     conversations titles presets
-- ARGV     conversationId title change system model
--          change: kept, touched (to the front, if it is listed), learnt (its title, if it is listed), deleted; system, model: its own; '' none, '*' as before
-- Returns  noted
-- Law      none: a convenience
local conversations, titles, presets = KEYS[1], KEYS[2], KEYS[3]
local conversationId, title, change, system, model = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
-- @include now

if change == 'deleted' then
  redis.call('ZREM', conversations, conversationId)
  redis.call('HDEL', titles, conversationId)
  redis.call('HDEL', presets, conversationId .. ':system', conversationId .. ':model')
  return { 'noted' }
end
if change == 'touched' then
  redis.call('ZADD', conversations, 'XX', now, conversationId)
  return { 'noted' }
end
if change == 'kept' then
  redis.call('ZADD', conversations, now, conversationId)
elseif not redis.call('ZSCORE', conversations, conversationId) then
  return { 'noted' }
end
redis.call('HSET', titles, conversationId, title)
for _, own in ipairs({ { ':system', system }, { ':model', model } }) do
  if own[2] == '' then
    redis.call('HDEL', presets, conversationId .. own[1])
  elseif own[2] ~= '*' then
    redis.call('HSET', presets, conversationId .. own[1], own[2])
  end
end
local surplus = redis.call('ZCARD', conversations) - limits.listed
if surplus > 0 then
  local oldest = redis.call('ZRANGE', conversations, 0, surplus - 1)
  redis.call('ZREM', conversations, unpack(oldest))
  redis.call('HDEL', titles, unpack(oldest))
  for _, id in ipairs(oldest) do
    redis.call('HDEL', presets, id .. ':system', id .. ':model')
  end
end
redis.call('PEXPIRE', conversations, limits.lifeMs)
redis.call('PEXPIRE', titles, limits.lifeMs)
redis.call('PEXPIRE', presets, limits.lifeMs)
return { 'noted' }
