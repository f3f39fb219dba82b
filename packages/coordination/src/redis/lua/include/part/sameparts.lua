-- sameparts(standing): whether the store has each part in the state and with the bytes that its owner says: JSON of '<state> <bytes>' by partId;
-- '': it says nothing. A store that has gone back would hand the run on behind what was done in it: a call of a tool would be made twice.
-- Needs parts, partPrefix, stateof, streamed.
local function sameparts(standing)
  if standing == '' then
    return true
  end
  local count = 0
  for partId, said in pairs(cjson.decode(standing)) do
    count = count + 1
    if stateof(redis.call('HGET', parts, partId)) .. ' ' .. streamed(partId) ~= said then
      return false
    end
  end
  return redis.call('HLEN', parts) == count
end
