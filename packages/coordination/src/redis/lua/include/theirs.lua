-- theirs(user): whether the conversation is somebody else's. `user` is what meta says. Where meta is gone, `whose` still knows for
-- 30 days, also after a deletion. Needs whose, conversationId, userId.
local function theirs(user)
  if user then
    return user ~= userId
  end
  local held = redis.call('GET', whose)
  return held and held ~= redis.sha1hex(conversationId .. ':' .. userId)
end
