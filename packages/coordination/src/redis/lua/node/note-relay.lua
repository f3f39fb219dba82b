#!lua flags=allow-oom
-- note-relay: notes that a relay is alive, removes expired relays, and counts the rest.
-- KEYS     relays
-- ARGV     owner leaseMs
-- Returns  alive relays
-- Law      none: it only spreads the work
local relays = KEYS[1]
local claimant, leaseMs = ARGV[1], tonumber(ARGV[2])
-- @include now

redis.call('ZADD', relays, string.format('%.0f', now + leaseMs), claimant)
redis.call('ZREMRANGEBYSCORE', relays, '-inf', now)
-- Remove relays that expire too late: they were noted before the clock went back, and note themselves again if they are alive.
redis.call('ZREMRANGEBYSCORE', relays, string.format('%.0f', now + math.max(leaseMs * 2, limits.relayLeaseMs)), '+inf')
return { 'alive', redis.call('ZCARD', relays) }
