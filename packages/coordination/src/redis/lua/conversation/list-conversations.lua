-- list-conversations: a page of a user's conversations, newest first.
-- KEYS     conversations titles presets
-- ARGV     after limit only      (after '' is the first page; only: JSON, those of these alone; '' all)
-- Returns  page hasMore conversationIds changedAt titles presets      (presets: of each its own text for models and model)
-- Law      none: a convenience, the database has the whole list
local conversations, titles, presets = KEYS[1], KEYS[2], KEYS[3]
local after, limit, only = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local rank = after ~= '' and redis.call('ZREVRANK', conversations, after)
if after ~= '' and not rank then
  return { 'page', 0, {}, {}, {}, {} }
end
local first = rank and rank + 1 or 0
local found = {}
if only == '' then
  found = redis.call('ZRANGE', conversations, first, first + limit - 1, 'REV', 'WITHSCORES')
else
  for _, id in ipairs(cjson.decode(only)) do
    local at = redis.call('ZSCORE', conversations, id)
    if at and #found < limit * 2 then
      found[#found + 1], found[#found + 2] = id, at
    end
  end
end
local listed, changedAt, own = {}, {}, {}
for i = 1, #found, 2 do
  listed[#listed + 1], changedAt[#changedAt + 1] = found[i], tonumber(found[i + 1])
  own[#own + 1], own[#own + 2] = found[i] .. ':system', found[i] .. ':model'
end
local hasMore = only == '' and redis.call('ZCARD', conversations) > first + #listed and 1 or 0
return { 'page', hasMore, listed, changedAt, #listed > 0 and redis.call('HMGET', titles, unpack(listed)) or {},
  #own > 0 and redis.call('HMGET', presets, unpack(own)) or {} }
