-- end-grant: a key, or a session, lets nobody in any more.
-- KEYS     grants
-- ARGV     kind grantId      (kind empty: of either kind)
-- Returns  ended digest | none
-- Law      none: ending twice is ending once
local grants = KEYS[1]
local kind, grantId = ARGV[1], ARGV[2]

local stored = redis.call('HGET', grants, grantId)
if not stored then
  return { 'none' }
end
local grant = cjson.decode(stored)
if kind ~= '' and grant.kind ~= kind then
  return { 'none' }
end
redis.call('HDEL', grants, grantId)
return { 'ended', grant.digest }
