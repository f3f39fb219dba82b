-- written(): whether the last event of the log is a piece of a text, not an empty one; with no text in its key, that key was evicted.
-- Needs log.
local function written()
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  return last ~= nil and string.sub(last[2][2], 1, 15) == '{"type":"chunk"' and string.sub(last[2][2], -10) ~= '"text":""}'
end
