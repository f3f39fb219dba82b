-- revive(): the record of a conversation that was evicted alone is made again from what is left of it, for the person whose digest says
-- that it is theirs: under another logId, unproven and lossy, so that the database is asked for the rest (its title is known only there).
-- Returns whether it was. Needs meta, log, channel, history, order, ids, whose, store, runPrefix, conversationId, userId, now, generation, rename.
local function revive()
  if userId == '' or redis.call('EXISTS', history, order, ids) == 0 or redis.call('GET', whose) ~= redis.sha1hex(conversationId .. ':' .. userId) then
    return false
  end
  local last = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')
  local leaf, active = last[1] or '', nil
  for _, id in ipairs(redis.call('HKEYS', ids)) do
    local run = redis.call('HMGET', runPrefix .. id, 'status', 'parentId')
    if run[1] == 'running' and redis.call('HEXISTS', history, id) == 0 then
      leaf, active = run[2] or leaf, id
    end
  end
  if type(redis.pcall('HSET', meta, 'userId', userId, 'title', '', 'createdAt', 0, 'leaf', leaf, 'messageSeq', last[2] or redis.call('HLEN', history), 'trimmed', '1',
    'generation', generation(), 'unproven', '1', 'lossy', now, 'untitled', '1')) == 'table' then
    return false
  end
  if active then
    redis.call('HSET', meta, 'active', active)
  end
  redis.call('PEXPIRE', meta, limits.lifeMs)
  rename(redis.sha1hex(conversationId .. ' revived ' .. now))
  return true
end
