-- spend-bytes: counts bytes that a person has written on this day (UTC).
-- KEYS     spent
-- ARGV     bytes limit      (bytes below 0 gives back; limit 0 counts without a limit, and only where a day is counted already)
-- Returns  spent total | over retryAfterMs
-- Law      what would pass the limit is not counted
local spent = KEYS[1]
local bytes, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
-- @include now

local before = redis.call('GET', spent)
if limit == 0 and not before then
  return { 'spent', 0 }
end
local total = math.max(0, tonumber(before or 0) + bytes)
local day = limits.dayMs
local midnight = (math.floor(now / day) + 1) * day
if limit > 0 and bytes > 0 and total > limit then
  return { 'over', midnight - now }
end
redis.call('SET', spent, string.format('%.0f', total), 'PXAT', string.format('%.0f', midnight))
return { 'spent', total }
