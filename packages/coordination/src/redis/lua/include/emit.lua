-- emit(type, fields): one event of the log. Offset, entry and publication come together (L-2); what is stored and what is
-- published are the client's own bytes (L-3). `fields` is JSON that starts with a comma. Needs meta, log, channel, conversationId.
local function emit(type, fields)
  local offset = redis.call('HINCRBY', meta, 'offset', 1)
  local position = string.format('%.0f', offset)
  local incarnation = ''
  if offset == 1 then
    incarnation = ',"logId":' .. cjson.encode(redis.call('HGET', meta, 'logId') or '')
  end
  local event = '{"type":' .. cjson.encode(type) .. ',"conversationId":"' .. conversationId .. '","offset":' .. position .. incarnation .. fields .. '}'
  redis.call('XADD', log, position .. '-0', 'event', event)
  redis.call('SPUBLISH', channel, event)
  return offset
end
