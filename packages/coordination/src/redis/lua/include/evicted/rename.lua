-- rename(logId): the log begins anew under another name, for readers hold what is not here any more. The title is the event that names it.
-- Needs meta, log, emit.
local function rename(logId)
  redis.call('HSET', meta, 'logId', logId, 'offset', 0, 'auditSeq', 0)
  redis.call('DEL', log)
  emit('title', ',"title":' .. cjson.encode(redis.call('HGET', meta, 'title') or ''))
  redis.call('PEXPIRE', log, limits.lifeMs)
end
