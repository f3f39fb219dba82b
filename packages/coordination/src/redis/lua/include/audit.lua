-- audit(type, data, trace): the outbox entry of this state change (L-2). The id is unique and rises with the log, so that a reader can
-- drop what it has seen. Prompts are refused at `cap` entries; trimming begins at twice that, which leaves room for what running
-- runs still have to say. Needs meta, events, conversationId, now, cap.
local function audit(type, data, trace)
  local sequence = string.format('%.0f', redis.call('HINCRBY', meta, 'auditSeq', 1))
  local id = (redis.call('HGET', meta, 'logId') or 'lost') .. ':a' .. sequence
  redis.call('XADD', events, 'MAXLEN', '~', cap * 2, '*', 'id', id, 'type', type, 'conversation', conversationId,
    'time', now, 'data', data, 'trace', trace or '')
end
