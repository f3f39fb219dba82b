#!lua flags=allow-oom
-- delete-conversation: everything of it goes; a running answer is closed and can not be restored by its owner.
-- KEYS     meta log channel owner history order ids queued leases events runPrefix cancelPrefix tombstone whose work
--          prefixes: start of the keys of a run; which runs there are is known only here; same slot
-- ARGV     conversationId userId cap forget deletedBy heardLog heardAt remade
--          (forget '1': the person is erased, and the id is nobody's then; deletedBy: who does it, '' nobody knows any more;
--          heardLog: the database heard of the deletion of this log at heardAt, and the store may have lost it; '' is a person's command;
--          remade '1': the database has what was made after it under the same id, and only the copy goes, for that to be put back)
-- Returns  done offset | not-found | forbidden
-- Law      L-2 by audit; readers are told by a hint outside the log, which is gone
local meta, log, channel, owner, history, order, ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local queued, leases, events, runPrefix, cancelPrefix = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local tombstone, whose, work = KEYS[13], KEYS[14], KEYS[15]
local conversationId, userId, cap, forget = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local deletedBy, heardLog, heardAt, remade = ARGV[5] or '', ARGV[6] or '', tonumber(ARGV[7] or 0), ARGV[8] == '1'
-- @include now
-- @include audit
-- @include hold
-- @include dropparts
-- @include vacate

local conversation = redis.call('HMGET', meta, 'userId', 'active', 'offset')
if not conversation[1] then
  return { 'not-found' }
elseif conversation[1] ~= userId then
  return { 'forbidden' }
end
if heardLog ~= '' then
  -- An older copy of another log, or one that went on since, was made again by its owner: it stays.
  if string.match(redis.call('HGET', meta, 'before') or '', '^(.*):%d+$') ~= heardLog then
    return { 'not-found' }
  end
  for _, kept in ipairs(redis.call('HVALS', history)) do
    local message = cjson.decode(kept)
    if message.role == 'user' and message.createdAt > heardAt then
      return { 'not-found' }
    end
  end
end
if remade then
  -- Nobody deletes anything: no event, no tombstone before what is put back, and pods keep the ends that they remember of it.
  vacate(conversation[2])
  hold()
  return { 'done', tonumber(conversation[3] or 0) }
end
local by = deletedBy ~= '' and ',"deletedBy":' .. cjson.encode(deletedBy) or ''
audit('SESSION_DELETED', '{"userId":' .. cjson.encode(userId) .. by .. (forget == '1' and ',"erased":true' or '') .. '}')
vacate(conversation[2])
-- Whose deletion it was: who sat here while the database could not be asked does not delete its owner's. Of who is erased nothing stays,
-- not even a digest.
redis.call('SET', tombstone, forget == '1' and '1' or redis.sha1hex(conversationId .. ':' .. userId), 'PX', limits.deletedMs)
if forget == '1' then
  redis.call('DEL', whose)
else
  hold()
end
-- Who remembers its ends would write them again after a loss of the store.
redis.call('SPUBLISH', work, '{"kind":"deleted","conversationId":"' .. conversationId .. '"}')
return { 'done', tonumber(conversation[3] or 0) }
