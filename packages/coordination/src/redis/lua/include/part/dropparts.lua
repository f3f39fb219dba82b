-- dropparts(parts, partPrefix): all that is kept of a run's parts goes.
local function dropparts(parts, partPrefix)
  for _, id in ipairs(redis.call('HKEYS', parts)) do
    redis.call('UNLINK', partPrefix .. id .. ':text', partPrefix .. id .. ':input', partPrefix .. id .. ':output')
  end
  redis.call('UNLINK', parts)
end
