#!lua flags=allow-oom
-- expel: who took an id while the database could not be asked leaves it, when the database says that it is somebody else's. Their
-- running answer is closed; the id is free for its owner. Nothing of it is an event: the database puts aside what they did.
-- KEYS     meta log channel owner history order ids queued leases runPrefix cancelPrefix whose
-- ARGV     conversationId intruder rightful
--          intruder: who was told that it is not theirs; '' where the owner asks, who is `rightful` then
-- Returns  expelled userId | gone
-- Law      only a conversation that is not proven goes, and never its owner's
local meta, log, channel, owner, history, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local ids, queued, leases, runPrefix, cancelPrefix, whose = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local conversationId, intruder, rightful = ARGV[1], ARGV[2], ARGV[3]
-- @include dropparts
-- @include vacate

local known = redis.call('HMGET', meta, 'userId', 'active', 'unproven')
if not known[3] or known[1] == rightful or (intruder ~= '' and known[1] ~= intruder) then
  return { 'gone' }
end
vacate(known[2])
redis.call('DEL', whose)
return { 'expelled', known[1] }
