-- putback(waiting): puts an answer that waits for a person back, as the database has it, unless this store knows better. Until a pod claims it,
-- it is a copy: `copied` has the highest epoch that the database knows, and since when it is here. Returns the keys that have to live as long
-- as it may wait; false: it did not.
-- waiting: [runId, parentId, model, startedAt, epoch, claims, text, step, JSON of what it still waits for or '', used, cut, lost, requested,
-- base, request, list of [JSON of a part, text, input, output, partId]]. Needs meta, log, owner, history, order, ids, queued, work, runPrefix,
-- conversationId, now.
local function putback(waiting)
  local runId, open = waiting[1], waiting[9]
  local run = runPrefix .. runId
  local active, status = redis.call('HGET', meta, 'active'), redis.call('HGET', run, 'status')
  local held = redis.call('HMGET', owner, 'parked', 'epoch')
  -- A store that went back still waits for what the database knows to be decided, of the same wait or of one before: it may have been carried out.
  local since = tonumber(waiting[5]) - tonumber(held[2] or 0)
  if active == runId and status == 'running' and held[1] == runId and (since > 0 or since == 0 and open == '') then
    status = nil
    redis.call('HDEL', run, 'waiting')
    redis.call('HDEL', owner, 'parked')
  elseif active or redis.call('HEXISTS', history, runId) == 1 or (not status and redis.call('HEXISTS', ids, runId) == 1) then
    return false
  end
  if status and status ~= 'running' then
    -- It ended here, and the database is yet to hear of it.
    return false
  end
  redis.call('HSET', meta, 'active', runId, 'leaf', waiting[2])
  redis.call('HSETNX', ids, runId, runId .. '|0')
  if waiting[2] ~= '' then
    -- Its question was asked with it: asked again, it is known (W-4).
    redis.call('HSET', ids, waiting[2], runId .. '|0')
  end
  local kept = { meta, owner, history, order, ids, run, run .. ':text', run .. ':parts' }
  if not status then
    redis.call('HSET', run, 'status', 'running', 'parentId', waiting[2], 'model', waiting[3], 'startedAt', waiting[4], 'trace', '', 'epoch', waiting[5],
      'parts', '1', 'step', waiting[8], 'used', waiting[10], 'request', waiting[15], 'nodes', '', 'copied', waiting[6] .. ':' .. now)
    for index, name in ipairs({ 'cut', 'lost', 'requested', 'base' }) do
      if waiting[10 + index] ~= '' then
        redis.call('HSET', run, name, waiting[10 + index])
      end
    end
    redis.call('SET', run .. ':text', waiting[7])
    for _, part in ipairs(waiting[16]) do
      redis.call('HSET', run .. ':parts', part[5], part[1])
      for index, field in ipairs({ ':text', ':input', ':output' }) do
        if part[index + 1] ~= '' then
          kept[#kept + 1] = run .. ':part:' .. part[5] .. field
          redis.call('SET', kept[#kept], part[index + 1])
        end
      end
    end
    redis.call('HSET', owner, 'runId', '', 'owner', '', 'epoch', waiting[5], 'expires', 0, 'writer', '', 'tries', 0)
    if open ~= '' then
      redis.call('HSET', run, 'waiting', open)
      redis.call('HSET', owner, 'parked', runId)
    else
      redis.call('ZADD', queued, now, conversationId .. ':' .. runId)
      redis.call('SPUBLISH', work, '{"kind":"free","conversationId":"' .. conversationId .. '","runId":"' .. runId .. '"}')
    end
  end
  return kept
end
