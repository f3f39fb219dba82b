-- recheck(): a log written under an older generation of the store may have lost its tail, and clients hold what is missing: with one more
-- event it would be a second history under one name. So it begins anew under another logId, before anybody reads it or adds to it.
-- Example: the log was at 12 when its master died, the promoted replica has it at 10; the next event would be another 11.
-- `before` keeps where the log stood, so that readers that hold more can be recognised. The title is emitted again, because the event
-- with offset 1 names the logId. Needs meta, log, store, conversationId, now, emit.
local function recheck()
  local generation = redis.call('HMGET', store, 'n', 'node')
  local n = generation[1] or '0'
  local known = redis.call('HMGET', meta, 'logId', 'generation', 'title', 'offset')
  if not known[1] or (known[2] or '0') == n then
    return
  end
  local logId = redis.sha1hex(known[1] .. ' ' .. n .. ' ' .. (generation[2] or ''))
  redis.call('HSET', meta, 'generation', n, 'logId', logId, 'offset', 0, 'auditSeq', 0, 'lossy', now,
    'before', known[1] .. ':' .. (known[4] or '0'))
  redis.call('DEL', log)
  emit('title', ',"title":' .. cjson.encode(known[3] or ''))
  redis.call('PEXPIRE', log, limits.lifeMs)
end
