-- count-waiting: how many runs of one shard have waited for a pod since before each of some times. Reads only.
-- KEYS     queued
-- ARGV     times      (JSON list, ms)
-- Returns  a list of counts, in the order of the times
-- Law      none: it only counts, for the place in line that people see
local queued = KEYS[1]
local times = cjson.decode(ARGV[1])

local counts = {}
for index, time in ipairs(times) do
  counts[index] = redis.call('ZCOUNT', queued, '-inf', '(' .. string.format('%.0f', time))
end
return counts
