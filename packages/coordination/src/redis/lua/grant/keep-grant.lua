-- keep-grant: other data for a grant that still is what the caller read.
-- KEYS     grants
-- ARGV     grantId before data
-- Returns  kept | changed | none
-- Law      of two that read the same, one keeps its data; what has ended comes not back
local grants = KEYS[1]
local grantId, before, data = ARGV[1], ARGV[2], ARGV[3]

local stored = redis.call('HGET', grants, grantId)
if not stored then
  return { 'none' }
end
local grant = cjson.decode(stored)
if grant.data ~= before then
  return { 'changed' }
end
grant.data = data
redis.call('HSET', grants, grantId, cjson.encode(grant))
return { 'kept' }
