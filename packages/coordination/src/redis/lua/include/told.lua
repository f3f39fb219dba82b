-- told(name, version, text): the outbox entry of a changed record. It is no part of the trail: its id is none of a log, and a reader knows by the
-- version what it has seen. Its subject is nobody's name. Needs events, userId, kind, now, cap.
local function told(name, version, text)
  local subject = redis.sha1hex(userId)
  local data = '{"userId":' .. cjson.encode(userId) .. ',"kind":' .. cjson.encode(kind) .. ',"version":' .. version
  if name == '' then
    data = data .. ',"erased":true}'
  else
    data = data .. ',"name":' .. cjson.encode(name) .. (text ~= '' and ',"text":' .. cjson.encode(text) or '') .. '}'
  end
  redis.call('XADD', events, 'MAXLEN', '~', cap * 2, '*', 'id', subject .. ':t' .. kind .. '.' .. version, 'type', 'RECORD_CHANGED',
    'conversation', subject, 'time', now, 'data', data, 'trace', '')
end
