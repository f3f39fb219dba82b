-- isfinal(state): whether a part never changes any more (W-16).
local function isfinal(state)
  return state == 'done' or state == 'failed' or state == 'denied' or state == 'answered' or state == 'dismissed'
end
