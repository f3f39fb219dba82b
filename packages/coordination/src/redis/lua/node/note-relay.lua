#!lua flags=allow-oom
-- note-relay: says that a relay lives, forgets those whose word has run out, and counts the rest.
-- KEYS     relays
-- ARGV     owner leaseMs
-- Returns  alive relays
-- Law      none: it only spreads the work
local relays = KEYS[1]
local claimant, leaseMs = ARGV[1], tonumber(ARGV[2])
-- @include now

redis.call('ZADD', relays, string.format('%.0f', now + leaseMs), claimant)
redis.call('ZREMRANGEBYSCORE', relays, '-inf', now)
-- Nor does a relay live longer than its word: one that says so spoke before the clock went back, and says it again if it lives.
redis.call('ZREMRANGEBYSCORE', relays, string.format('%.0f', now + math.max(leaseMs * 2, 120000)), '+inf')
return { 'alive', redis.call('ZCARD', relays) }
