-- keep-places: takes and keeps a model's places for runs, over all pods, and gives back those that are named.
-- KEYS     modelPlaces
-- ARGV     limit leaseMs take drop      (take, drop: JSON lists of `conversationId:runId`)
-- Returns  kept runs
-- Law      never more than `limit` are given; a place that nobody keeps is free after leaseMs
local modelPlaces = KEYS[1]
local limit, leaseMs, take, drop = tonumber(ARGV[1]), tonumber(ARGV[2]), cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
-- @include now

for _, run in ipairs(drop) do
  redis.call('ZREM', modelPlaces, run)
end
redis.call('ZREMRANGEBYSCORE', modelPlaces, '-inf', now)
local kept = {}
for _, run in ipairs(take) do
  if redis.call('ZSCORE', modelPlaces, run) or redis.call('ZCARD', modelPlaces) < limit then
    redis.call('ZADD', modelPlaces, string.format('%.0f', now + leaseMs), run)
    kept[#kept + 1] = run
  end
end
redis.call('PEXPIRE', modelPlaces, leaseMs)
return { 'kept', kept }
