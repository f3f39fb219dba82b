-- reserve-run: takes one of a person's places for runs, and gives those back that are named. The places have a slot of their own, so a
-- run is counted before it begins; who is at the limit looks at the runs that hold a place and names those that have ended.
-- KEYS     places
-- ARGV     conversationId runId limit leaseMs drop      (drop: JSON list of `conversationId:runId`)
--          runId '' takes none and only gives back
-- Returns  reserved | kept | full held      (held: `conversationId:runId`, its age in ms, …)
-- Law      the same run takes one place, however often it asks; a place nobody gave back is free after leaseMs
local places = KEYS[1]
local conversationId, runId, limit, leaseMs, drop = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), cjson.decode(ARGV[5])
-- @include now

for _, member in ipairs(drop) do
  redis.call('ZREM', places, member)
end
redis.call('ZREMRANGEBYSCORE', places, '-inf', string.format('%.0f', now - leaseMs))
local member = conversationId .. ':' .. runId
if runId == '' or redis.call('ZSCORE', places, member) then
  return { 'kept' }
end
if redis.call('ZCARD', places) >= limit then
  local held = redis.call('ZRANGE', places, 0, -1, 'WITHSCORES')
  for index = 2, #held, 2 do
    held[index] = string.format('%.0f', now - held[index])
  end
  return { 'full', held }
end
redis.call('ZADD', places, now, member)
redis.call('PEXPIRE', places, leaseMs)
return { 'reserved' }
