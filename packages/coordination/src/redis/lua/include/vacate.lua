-- vacate(active): all that is kept of a conversation goes; its running answer is closed, so that its owner can not restore it, and its
-- readers look again. Needs dropparts, meta, log, channel, owner, history, order, ids, queued, leases, runPrefix, cancelPrefix, conversationId.
local function vacate(active)
  -- The texts of runs that ended minutes ago are still kept for their owners.
  for _, id in ipairs(redis.call('HKEYS', ids)) do
    redis.call('UNLINK', runPrefix .. id .. ':text')
    -- Who cancelled it, and what its caller asked for besides the conversation.
    redis.call('HDEL', runPrefix .. id, 'cancel', 'request', 'thread')
    dropparts(runPrefix .. id .. ':parts', runPrefix .. id .. ':part:')
  end
  if active then
    local run = runPrefix .. active
    redis.call('HSET', run, 'status', 'deleted', 'epoch', redis.call('HGET', owner, 'epoch') or 0)
    redis.call('PEXPIRE', run, limits.lifeMs)
    redis.call('DEL', cancelPrefix .. active)
    redis.call('ZREM', queued, conversationId .. ':' .. active)
    redis.call('ZREM', leases, conversationId .. ':' .. active)
  end
  redis.call('UNLINK', meta, log, owner, history, order, ids)
  redis.call('SPUBLISH', channel, '{"type":"reset","conversationId":"' .. conversationId .. '"}')
end
