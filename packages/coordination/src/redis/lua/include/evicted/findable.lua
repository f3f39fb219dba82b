-- findable(active): a run that nobody holds and that stands in no list (evicted) is put back, so that whoever looks for runs finds it. In
-- both lists it would be found twice. Needs owner, queued, leases, conversationId, now, alive.
local function findable(active)
  local member = conversationId .. ':' .. active
  local held = redis.call('HMGET', owner, 'expires', 'leaseMs', 'parked')
  if held[3] ~= active and not alive(held[1], held[2]) and not redis.call('ZSCORE', queued, member) and not redis.call('ZSCORE', leases, member) then
    redis.pcall('ZADD', queued, now, member)
  end
end
