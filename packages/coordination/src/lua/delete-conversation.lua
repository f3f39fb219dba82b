#!lua flags=allow-oom
-- delete-conversation: everything of it goes; a running answer is closed and can not be restored by its owner.
-- KEYS     meta log channel owner history order ids queued leases events runPrefix cancelPrefix tombstone whose
--          prefixes: start of the keys of a run; which runs there are is known only here; same slot
-- ARGV     conversationId userId cap forget      (forget '1': the person is erased, and the id is nobody's then)
-- Returns  done offset | not-found | forbidden
-- Law      L-2 by audit; readers are told by a hint outside the log, which is gone
local meta, log, channel, owner, history, order, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local queued, leases, events, runPrefix, cancelPrefix = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local tombstone, whose = KEYS[13], KEYS[14]
local conversationId, userId, cap, forget = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
-- @include now
-- @include audit
-- @include hold
-- @include vacate

local conversation = redis.call('HMGET', meta, 'userId', 'active', 'offset')
if not conversation[1] then
  return { 'not-found' }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
end
audit('SESSION_DELETED', '{"userId":' .. cjson.encode(userId) .. '}')
vacate(conversation[2])
-- Whose deletion it was: who sat here while the database could not be asked does not delete its owner's.
redis.call('SET', tombstone, redis.sha1hex(conversationId .. ':' .. userId), 'PX', 86400000)
if forget == '1' then
  redis.call('DEL', whose)
else
  hold()
end
return { 'done', tonumber(conversation[3] or 0) }
