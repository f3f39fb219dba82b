-- note-conversation: keeps a user's list of conversations: the newest 1000, for a day after the last change. It has a slot of its own,
-- so it is written after the change it notes, best effort; the database has the whole list.
-- KEYS     conversations titles
-- ARGV     conversationId title change      (change: kept, deleted)
-- Returns  noted
-- Law      none: a convenience
local conversations, titles = KEYS[1], KEYS[2]
local conversationId, title, change = ARGV[1], ARGV[2], ARGV[3]
-- @include now

if change == 'deleted' then
  redis.call('ZREM', conversations, conversationId)
  redis.call('HDEL', titles, conversationId)
  return { 'noted' }
end
redis.call('ZADD', conversations, now, conversationId)
redis.call('HSET', titles, conversationId, title)
local surplus = redis.call('ZCARD', conversations) - 1000
if surplus > 0 then
  local oldest = redis.call('ZRANGE', conversations, 0, surplus - 1)
  redis.call('ZREM', conversations, unpack(oldest))
  redis.call('HDEL', titles, unpack(oldest))
end
redis.call('PEXPIRE', conversations, 86400000)
redis.call('PEXPIRE', titles, 86400000)
return { 'noted' }
