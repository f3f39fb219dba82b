-- hold-share: says how many of a person's sockets (follows, replays) this gateway holds, and learns how many it may.
-- KEYS     shares
-- ARGV     kind holder wanted limit holders      (holders: JSON list of the gateways that live)
-- Returns  granted count
-- Law      all shares of a kind together stay within the limit; one of a gateway that is gone counts for at most 30 s
local shares = KEYS[1]
local kind, holder, wanted, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local holders = cjson.decode(ARGV[5])
-- @include now

local alive = {}
for _, name in ipairs(holders) do
  alive[name] = true
end
local held = redis.call('HGETALL', shares)
local others, gone = 0, {}
for index = 1, #held, 2 do
  local of, by = string.match(held[index], '^(%a+)|(.*)$')
  local count, at = string.match(held[index + 1], '^(%d+)|(%d+)$')
  if by ~= holder then
    -- A gateway that has just begun may not be in everybody's list yet.
    if not alive[by] and now - at > limits.newHolderMs then
      gone[#gone + 1] = held[index]
    elseif of == kind then
      others = others + tonumber(count)
    end
  end
end
local granted = math.min(wanted, math.max(0, limit - others))
if granted > 0 then
  redis.call('HSET', shares, kind .. '|' .. holder, string.format('%.0f', granted) .. '|' .. now)
else
  redis.call('HDEL', shares, kind .. '|' .. holder)
end
if #gone > 0 then
  redis.call('HDEL', shares, unpack(gone))
end
redis.call('PEXPIRE', shares, limits.lifeMs)
return { 'granted', granted }
