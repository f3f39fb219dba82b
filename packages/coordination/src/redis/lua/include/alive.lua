-- alive(expires, length): whether a lease still runs. None ends further away than it is long: one that does was written before the clock
-- went back (a jump, a failover to a host that is behind), and its owner may be dead. A second is for clocks that are set by a little;
-- who wrote no length (0.1.0) is believed for a minute. Needs now.
local function alive(expires, length)
  local left = (tonumber(expires or 0) or 0) - tonumber(now)
  return left > 0 and left <= (tonumber(length or limits.unknownLeaseMs) or limits.unknownLeaseMs) + limits.clockStepMs
end
