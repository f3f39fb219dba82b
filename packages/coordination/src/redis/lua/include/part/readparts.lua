-- readparts(): of each part its JSON and its three streamed fields, one after the other, in no order. Needs parts, partPrefix.
local function readparts()
  local found = {}
  local held = redis.call('HGETALL', parts)
  for i = 1, #held, 2 do
    local name = partPrefix .. held[i]
    found[#found + 1] = held[i + 1]
    for _, content in ipairs(redis.call('MGET', name .. ':text', name .. ':input', name .. ':output')) do
      found[#found + 1] = content or ''
    end
  end
  return found
end
