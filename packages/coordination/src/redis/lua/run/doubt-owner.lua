#!lua flags=allow-oom
-- doubt-owner: cuts the leases of an owner whose process seems to be gone, so that its runs are free sooner.
-- KEYS     leases ownerPrefix
-- ARGV     owner keepMs
-- Returns  a list of '<conversationId>:<runId>', the runs whose leases were cut now
-- Law      who lives renews within keepMs and loses nothing; a lease is never made longer; expiry is judged by the store's clock
local leases, ownerPrefix = KEYS[1], KEYS[2]
local doubted, keepMs = ARGV[1], tonumber(ARGV[2])
-- @include now

local expires = string.format('%.0f', now + keepMs)
local cut = {}
for _, member in ipairs(redis.call('ZRANGE', leases, '(' .. expires, '+inf', 'BYSCORE')) do
  local conversationId, runId = string.match(member, '^([^:]*):(.*)$')
  local held = redis.call('HMGET', ownerPrefix .. conversationId, 'owner', 'runId')
  if held[1] == doubted and held[2] == runId then
    redis.call('HSET', ownerPrefix .. conversationId, 'expires', expires)
    redis.call('ZADD', leases, expires, member)
    cut[#cut + 1] = member
  end
end
return cut
