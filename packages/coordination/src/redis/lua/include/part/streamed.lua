-- streamed(partId): bytes that stand of a part's streamed fields. Needs partPrefix.
local function streamed(partId)
  local name = partPrefix .. partId
  return redis.call('STRLEN', name .. ':text') + redis.call('STRLEN', name .. ':input') + redis.call('STRLEN', name .. ':output')
end
