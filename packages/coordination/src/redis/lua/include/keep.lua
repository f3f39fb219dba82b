-- keep(messageId, message): puts a message at the end of the history; at most the newest 200 stay here, the database has all.
-- Needs meta, history, order.
local function keep(messageId, message)
  local sequence = redis.call('HINCRBY', meta, 'messageSeq', 1)
  redis.call('HSET', history, messageId, message)
  -- For `fit`: a message with files is more than its JSON is long. Parts stand at its end.
  if string.find(message, '"kind":"file"', -limits.partsBytes, true) then
    redis.call('HSET', meta, 'files', '1')
  end
  redis.call('ZADD', order, sequence, messageId)
  local surplus = redis.call('ZCARD', order) - limits.messages
  if surplus > 0 then
    local oldest = redis.call('ZRANGE', order, 0, surplus - 1)
    redis.call('HDEL', history, unpack(oldest))
    redis.call('ZREM', order, unpack(oldest))
    redis.call('HSET', meta, 'trimmed', '1')
  end
end
