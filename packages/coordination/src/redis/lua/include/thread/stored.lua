-- stored(id): the JSON of a message, here or among the turns above an old message, which only the database has: their run keeps them until it
-- ends, for who claims it. `older` has them by id, `missed` in order. beyond(id): the first of a message and its ancestors that is not here; of
-- a thread that runs on for a hundred messages, false: it is cut where the store's memory ends, as always. leaveOut(): the oldest message is
-- about to make room for a new one; it may be of the thread. Needs thread, history, order.
local older, missed = {}, {}
for _, turn in ipairs(thread ~= '' and cjson.decode(thread) or {}) do
  cjson.decode(turn[2])
  if redis.call('HEXISTS', history, turn[1]) == 0 then
    older[turn[1]] = turn[2]
    missed[#missed + 1] = turn
  end
end

local function stored(id)
  return redis.call('HGET', history, id) or older[id]
end

local function beyond(id)
  -- An answer that is gone on with is none of the hundred.
  for _ = 1, continues ~= '' and limits.threadMessages + 1 or limits.threadMessages do
    local kept = id ~= '' and redis.call('HGET', history, id)
    if not kept then
      return id ~= '' and id
    end
    -- As `say` writes it; one that was changed has its fields in any order.
    local above = string.match(string.sub(kept, 1, limits.headBytes), '^{"messageId":"[^"]+","parentId":"([^"]+)"') or cjson.decode(kept).parentId
    if type(above) ~= 'string' then
      return false
    end
    id = above
  end
  return false
end

local function leaveOut()
  local eldest = #missed > 0 and redis.call('ZCARD', order) >= limits.messages and redis.call('ZRANGE', order, 0, 0)[1]
  local kept = eldest and redis.call('HGET', history, eldest)
  if kept then
    older[eldest] = kept
    missed[#missed + 1] = { eldest, kept }
  end
end
