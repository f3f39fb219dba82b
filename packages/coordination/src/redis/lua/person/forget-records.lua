-- forget-records: a person is erased: what they have set goes, of one kind.
-- KEYS     records events
-- ARGV     userId kind cap
-- Returns  forgotten | none
-- Law      L-2 by told: the database hears of it behind all that it is told of
local records, events = KEYS[1], KEYS[2]
local userId, kind, cap = ARGV[1], ARGV[2], tonumber(ARGV[3])
-- @include now
-- @include told

local newest = tonumber(string.match(redis.call('HGET', records, 'head') or '', '^[^|]*|(%d+)|'))
if not newest then
  return { 'none' }
end
redis.call('UNLINK', records)
told('', string.format('%.0f', math.max(tonumber(now), newest)), '')
return { 'forgotten' }
