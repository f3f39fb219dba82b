#!lua flags=allow-oom
-- take-shard: gives the outbox of a shard to a relay, unless another has it. From the first time on begin-run refuses prompts rather
-- than let this outbox lose an event; that has no expiry, for relays may be down for hours.
-- KEYS     outboxLease relay
-- ARGV     owner leaseMs
-- Returns  taken | held
-- Law      none: two relays on one shard publish twice and lose nothing
local outboxLease, relay = KEYS[1], KEYS[2]
local claimant, leaseMs = ARGV[1], tonumber(ARGV[2])

-- A lease that ends further away than it is long was made before the clock went back.
if redis.call('PTTL', outboxLease) > math.max(leaseMs * 2, limits.relayLeaseMs) then
  redis.call('DEL', outboxLease)
end
if not redis.call('SET', outboxLease, claimant, 'PX', leaseMs, 'NX') then
  return { 'held' }
end
redis.call('SET', relay, claimant)
return { 'taken' }
