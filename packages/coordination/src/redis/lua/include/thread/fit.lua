-- fit(leaf, room): what of the thread that ends at `leaf` has no room in so many tokens (four bytes of text each): how many messages, and
-- about how many tokens they are; 0, 0 when all has room. System text stays, then whole turns, the newest first, the last one always. The
-- rule of `fitThread` in @runnel/protocol, which AI pods cut by; a message above 64 KiB is measured as it is stored, not decoded, for this
-- blocks the store. Needs meta, history, order, weigh, stored, missed.
local function fit(leaf, room)
  local size, ids = 0, redis.call('ZRANGE', order, 0, -1)
  for _, id in ipairs(ids) do
    size = size + redis.call('HSTRLEN', history, id)
  end
  -- JSON is never shorter than its text; what its files are is said in them.
  if size <= room * limits.bytesPerToken and #missed == 0 and redis.call('HEXISTS', meta, 'files') == 0 then
    return 0, 0
  end
  local turns, turn, id = {}, { 0, 0 }, leaf
  -- A damaged history may go round.
  for _ = 1, #ids + #missed do
    local kept = id and id ~= '' and stored(id)
    if not kept then
      break
    end
    local above, role = string.match(string.sub(kept, 1, limits.headBytes), '^{"messageId":"[^"]+","parentId":([^,]+),"role":"(%a+)"')
    local tokens, isSaid = math.ceil(#kept / limits.bytesPerToken), true
    if #kept <= limits.decodedBytes or not above then
      local message = cjson.decode(kept)
      role = message.role
      local files, _, hasFiles = weigh(role == 'user' and message.parts or nil)
      tokens = math.ceil(#message.text / limits.bytesPerToken) + files
      isSaid = message.status ~= 'deleted' and (message.text ~= '' or hasFiles)
      above = cjson.encode(message.parentId)
    end
    id = above ~= 'null' and string.sub(above, 2, -2)
    if isSaid and role == 'system' then
      room = room - tokens
    elseif isSaid then
      turn = { turn[1] + 1, turn[2] + tokens }
      if role == 'user' then
        turns[#turns + 1], turn = turn, { 0, 0 }
      end
    end
  end
  turns[#turns + 1] = turn
  local cut, lost = 0, 0
  for index, one in ipairs(turns) do
    room = room - one[2]
    if cut > 0 or (index > 1 and room < 0) then
      cut, lost = cut + one[1], lost + one[2]
    end
  end
  return cut, lost
end
