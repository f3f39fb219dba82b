-- say(messageId, role, words, files, facts): a new message under `parent`, which it then is: history, event, outbox. `said` lists them.
-- files: JSON list of its parts, or nothing; facts: what the audit is told of each, JSON objects; it hears of them apart from the message.
-- Needs conversationId, userId, parent, now, trace and json, keep, emit, audit.
local said = {}
local function say(messageId, role, words, files, facts)
  local author = role == 'user' and ',"author":' .. json(userId) or ''
  local message = '{"messageId":"' .. messageId .. '","parentId":' .. json(parent) .. ',"role":' .. cjson.encode(role) .. ',"text":' .. cjson.encode(words)
    .. ',"status":"complete","createdAt":' .. now .. author .. '}'
  local shown = files and string.sub(message, 1, -2) .. ',"parts":' .. files .. '}' or message
  keep(messageId, shown)
  emit('message', ',"message":' .. shown)
  audit('CHAT_MESSAGE', '{"userId":' .. json(userId) .. ',"message":' .. message .. '}', trace)
  for _, fact in ipairs(facts or {}) do
    audit('PART_CHANGED', '{"userId":' .. json(userId) .. ',"runId":"' .. messageId .. '",' .. string.sub(fact, 2), trace)
  end
  parent = messageId
  said[#said + 1] = messageId
end
