-- use-grant: lets a person in, and notes to the minute that this grant was used.
-- KEYS     grants
-- ARGV     kind grantId digest
-- Returns  valid data createdAt usedAt expires at | none      (at: now, by the store's clock)
-- Law      what has ended lets nobody in; a key is no session, nor the other way round
local grants = KEYS[1]
local kind, grantId, digest = ARGV[1], ARGV[2], ARGV[3]
-- @include now
-- @include lapsed

local stored = redis.call('HGET', grants, grantId)
if not stored then
  return { 'none' }
end
local grant = cjson.decode(stored)
if grant.digest ~= digest or grant.kind ~= kind then
  return { 'none' }
end
if lapsed(grant) then
  redis.call('HDEL', grants, grantId)
  return { 'none' }
end
-- One that was never used has both times alike.
local minute = math.max(math.floor(tonumber(now) / limits.grantUseMs) * limits.grantUseMs, grant.createdAt + 1)
if minute > grant.usedAt then
  grant.usedAt = minute
  redis.call('HSET', grants, grantId, cjson.encode(grant))
end
return { 'valid', grant.data, grant.createdAt, grant.usedAt, grant.expires, tonumber(now) }
