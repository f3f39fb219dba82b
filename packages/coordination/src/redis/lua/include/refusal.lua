-- refusal(): why a write of this owner is refused (L-1). A store with a lower epoch than the writer's has lost data (failover to a
-- replica that lagged): to its owner that is the same as `gone`. Needs owner, run, epoch.
local function refusal()
  local status = redis.call('HGET', run, 'status')
  if not status then
    return 'gone'
  elseif status ~= 'running' then
    return 'closed'
  end
  local held = tonumber(redis.call('HGET', owner, 'epoch') or 0)
  return held < tonumber(epoch) and 'gone' or 'fenced'
end
