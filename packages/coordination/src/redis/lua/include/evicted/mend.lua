-- mend(): history, order and ids hold the same messages, so what one evicted key took is put back from the others; what only the database
-- has is said to be missing. Returns whether something is. The first write is the one that Redis refuses when its memory is full: then a
-- reader is shown what there is. Needs meta, history, order, ids, now.
local function mend()
  local known = redis.call('HMGET', meta, 'messageSeq', 'trimmed', 'active', 'leaf')
  local kept, ordered = redis.call('HLEN', history), redis.call('ZCARD', order)
  local first = tonumber(redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')[2] or 0)
  -- Places begin at 1: a first one behind it, or none, means that earlier ones went.
  local isCut = not known[2] and (ordered == 0 and tonumber(known[1] or 0) > 0 or first > 1)
  local isNameless = redis.call('HLEN', ids) < kept
  if kept == ordered and not isCut and not isNameless then
    return false
  end
  if type(redis.pcall('HSET', meta, 'mended', now)) == 'table' then
    return true
  end
  if kept > ordered then
    local lost, byId = {}, {}
    local all = redis.call('HGETALL', history)
    for index = 1, #all, 2 do
      if not redis.call('ZSCORE', order, all[index]) then
        local readable, message = pcall(cjson.decode, all[index + 1])
        local one = { id = all[index], at = readable and tonumber(message.createdAt) or 0, parent = readable and message.parentId, depth = 0 }
        lost[#lost + 1] = one
        byId[one.id] = one
      end
    end
    for _, one in ipairs(lost) do
      local above = byId[one.parent]
      while above and one.depth < #lost do
        one.depth, above = one.depth + 1, byId[above.parent]
      end
    end
    -- An answer has the time of its question, so the deeper one came later.
    table.sort(lost, function(a, b)
      if a.at ~= b.at then
        return a.at < b.at
      end
      return a.depth < b.depth or (a.depth == b.depth and a.id < b.id)
    end)
    local place = ordered > 0 and first or tonumber(known[1] or 0) + 1
    for index, one in ipairs(lost) do
      redis.call('ZADD', order, string.format('%.0f', place - #lost + index - 1), one.id)
    end
    ordered = redis.call('ZCARD', order)
    first = place - #lost
    isCut = not known[2] and first > 1
  end
  if isNameless then
    local inOrder, answer = redis.call('ZRANGE', order, 0, -1), {}
    local texts = #inOrder > 0 and redis.call('HMGET', history, unpack(inOrder)) or {}
    for index, id in ipairs(inOrder) do
      local readable, message = pcall(cjson.decode, texts[index] or '')
      if readable and message.role == 'assistant' then
        answer[id] = id
        if type(message.parentId) == 'string' and not answer[message.parentId] then
          answer[message.parentId] = id
        end
      end
    end
    if known[3] then
      redis.call('HSETNX', ids, known[3], known[3] .. '|0')
      answer[known[4] or ''] = answer[known[4] or ''] or known[3]
    end
    for _, id in ipairs(inOrder) do
      redis.call('HSETNX', ids, id, (answer[id] or id) .. '|0')
    end
    redis.call('PEXPIRE', ids, limits.lifeMs)
  end
  redis.call('PEXPIRE', order, limits.lifeMs)
  if isCut then
    redis.call('HSET', meta, 'trimmed', '1')
  end
  if isCut or ordered > kept then
    redis.call('HSETNX', meta, 'lossy', now)
    return true
  end
  return false
end
