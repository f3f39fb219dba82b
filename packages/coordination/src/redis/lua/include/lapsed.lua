-- lapsed(grant): whether a grant has ended by itself: its life is over, or nobody used it for too long. Needs now.
local function lapsed(grant)
  local time = tonumber(now)
  return (grant.expires > 0 and grant.expires <= time) or (grant.idleMs > 0 and grant.usedAt + grant.idleMs <= time)
end
