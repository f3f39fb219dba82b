-- fitting(ids, room): of messages, newest first, those that have room in so many bytes; always the newest, however large. Oldest
-- first, with their size and whether all had room. Needs history.
local function fitting(ids, room)
  local chosen, bytes = {}, 0
  for _, id in ipairs(ids) do
    local size = redis.call('HSTRLEN', history, id)
    if #chosen > 0 and bytes + size > room then
      return chosen, bytes, false
    end
    -- One that was evicted has no size.
    if size > 0 then
      table.insert(chosen, 1, id)
      bytes = bytes + size
    end
  end
  return chosen, bytes, true
end
