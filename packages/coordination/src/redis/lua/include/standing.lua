-- standing(grants): the grants of a person that have not ended, as pairs of name and grant; the others leave. Needs lapsed.
local function standing(grants)
  local flat = redis.call('HGETALL', grants)
  local live = {}
  for index = 1, #flat, 2 do
    local grant = cjson.decode(flat[index + 1])
    if lapsed(grant) then
      redis.call('HDEL', grants, flat[index])
    else
      live[#live + 1] = { flat[index], grant }
    end
  end
  return live
end
