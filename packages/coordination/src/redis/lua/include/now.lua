-- now: milliseconds by the store's clock, as text (Lua would print large numbers as floats).
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
