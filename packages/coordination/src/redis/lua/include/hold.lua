-- hold(): from now on the id is this person's for 30 days. A digest, so that no name of a person outlives their conversations.
-- Needs whose, conversationId, userId.
local function hold()
  redis.call('SET', whose, redis.sha1hex(conversationId .. ':' .. userId), 'PX', limits.heldMs)
end
