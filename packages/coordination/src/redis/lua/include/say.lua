-- say(messageId, role, words): a new message under `parent`, which it then is: history, event, outbox. `said` lists them.
-- Needs conversationId, userId, parent, now, trace and json, keep, emit, audit.
local said = {}
local function say(messageId, role, words)
  local author = role == 'user' and ',"author":' .. json(userId) or ''
  local message = '{"messageId":"' .. messageId .. '","parentId":' .. json(parent) .. ',"role":' .. cjson.encode(role) .. ',"text":' .. cjson.encode(words)
    .. ',"status":"complete","createdAt":' .. now .. author .. '}'
  keep(messageId, message)
  emit('message', ',"message":' .. message)
  audit('CHAT_MESSAGE', '{"userId":' .. json(userId) .. ',"message":' .. message .. '}', trace)
  parent = messageId
  said[#said + 1] = messageId
end
