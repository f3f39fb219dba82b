#!lua flags=allow-oom
-- note-store: whether this shard is still served by the store that it was written to. A restarted server has another run_id, a promoted
-- one another replication id; either may have lost the tail of what was written. Then a new generation begins: `recheck` renames each log
-- of an older one when it is next touched; the logs of running answers, which their owners add to without looking, are renamed here.
-- KEYS     store leases metaPrefix logPrefix channelPrefix ownerPrefix
--          prefixes: start of the keys of a conversation; which have running answers is known only here; same slot
-- ARGV     (none)
-- Returns  same n node | raised n node | unknown
-- Law      a generation rises once for each change, whoever tells it first; a lease keeps a second for its owner to come back, no more
local store, leases, metaPrefix, logPrefix, channelPrefix, ownerPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
-- @include now

-- Where an ACL forbids INFO, the answer is `unknown`.
local server, replication = redis.pcall('INFO', 'server'), redis.pcall('INFO', 'replication')
local node = type(server) == 'string' and string.match(server, 'run_id:(%x+)')
local history = type(replication) == 'string' and string.match(replication, 'master_replid:(%x+)')
if not node or not history then
  return { 'unknown' }
end
node = node .. ' ' .. history
local known = redis.call('HMGET', store, 'node', 'n')
if known[1] == node then
  return { 'same', tonumber(known[2]), node }
elseif not known[1] then
  -- A store that has never been asked, or is empty: what it holds is of generation 0.
  redis.call('HSET', store, 'node', node, 'n', 0, 'since', 0)
  return { 'same', 0, node }
end

local n = tonumber(known[2]) + 1
redis.call('HSET', store, 'node', node, 'n', n, 'since', now)
local function renew(conversationId)
  local meta, log, channel = metaPrefix .. conversationId, logPrefix .. conversationId, channelPrefix .. conversationId
  -- @include emit
  -- @include recheck
  recheck()
  redis.call('HSET', ownerPrefix .. conversationId, 'expires', string.format('%.0f', now + limits.changedLeaseMs))
end
for _, member in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  local conversationId = string.match(member, '^[^:]+')
  if redis.call('EXISTS', metaPrefix .. conversationId) == 1 then
    renew(conversationId)
    redis.call('ZADD', leases, string.format('%.0f', now + limits.changedLeaseMs), member)
  end
end
return { 'raised', n, node }
