#!lua flags=allow-oom
-- note-presence: notes on how many screens of one gateway a conversation is open, and publishes the counts of all gateways.
-- KEYS     present channel
-- ARGV     conversationId holder count
-- Returns  noted
-- Law      none: a hint; who of the gateways lives is known by note-holder
local present, channel = KEYS[1], KEYS[2]
local conversationId, holder, count = ARGV[1], ARGV[2], tonumber(ARGV[3])

if count > 0 then
  -- Of gateways that ended long ago: more than any conversation has.
  if redis.call('HLEN', present) >= limits.presentHolders then
    redis.call('DEL', present)
  end
  redis.call('HSET', present, holder, string.format('%.0f', count))
  redis.call('PEXPIRE', present, limits.lifeMs)
else
  redis.call('HDEL', present, holder)
end
local held, devices = redis.call('HGETALL', present), {}
for index = 1, #held, 2 do
  devices[held[index]] = tonumber(held[index + 1])
end
redis.call('SPUBLISH', channel, cjson.encode({ type = 'here', conversationId = conversationId, by = holder, devices = devices }))
return { 'noted' }
