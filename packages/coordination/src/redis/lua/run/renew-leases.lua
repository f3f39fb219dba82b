#!lua flags=allow-oom
-- renew-leases: extends the leases of many runs of one shard. An expired lease whose epoch has not risen is still its owner's.
-- KEYS     leases, then for each run: meta owner run cancel
-- ARGV     owner leaseMs, then for each run: conversationId runId epoch
-- Returns  for each run: renewed | cancelled | fenced | closed | gone
-- Law      L-1 only the holder of the epoch extends it; a cancelled run is extended too, for its owner still has to end it
local leases = KEYS[1]
local claimant, leaseMs = ARGV[1], tonumber(ARGV[2])
-- @include now

local expires = string.format('%.0f', now + leaseMs)
local function renew(meta, owner, run, cancel, conversationId, runId, epoch)
  -- @include refusal
  -- @include wanted
  local held = redis.call('HMGET', owner, 'runId', 'epoch', 'owner')
  if held[1] ~= runId or held[2] ~= epoch or held[3] ~= claimant then
    return refusal()
  end
  if redis.call('EXISTS', run) == 0 or redis.call('HGET', meta, 'active') ~= runId then
    -- A record was evicted: its owner writes it again.
    return 'gone'
  end
  redis.call('HSET', owner, 'expires', expires, 'leaseMs', leaseMs)
  redis.call('ZADD', leases, expires, conversationId .. ':' .. runId)
  return wanted() and 'cancelled' or 'renewed'
end

local outcomes = {}
for i = 1, (#KEYS - 1) / 4 do
  local key, arg = 4 * i - 2, 3 * i
  outcomes[i] = renew(KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
end
return outcomes
