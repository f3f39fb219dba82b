-- find-free-runs: runs of one shard that wait: never claimed, released, or with an expired lease.
-- KEYS     queued leases
-- ARGV     limit
-- Returns  a list of '<conversationId>:<runId>', longest waiting first
-- Law      expiry is judged by the store's clock
local queued, leases = KEYS[1], KEYS[2]
local limit = tonumber(ARGV[1])
-- @include now

local free = redis.call('ZRANGE', queued, 0, limit - 1)
if #free < limit then
  for _, member in ipairs(redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit - #free)) do
    free[#free + 1] = member
  end
end
return free
