-- find-run: the run that a message or a run id made, and whether it still runs. Reads only.
-- KEYS     meta ids
-- ARGV     userId messageId runId      (messageId '' asks for the run alone)
-- Returns  running runId offset | ended runId offset | none | forbidden
-- Law      W-4 what begin-run would call a duplicate is found here
local meta, ids = KEYS[1], KEYS[2]
local userId, messageId, runId = ARGV[1], ARGV[2], ARGV[3]

local known = redis.call('HMGET', meta, 'userId', 'active')
if not known[1] then
  return { 'none' }
elseif known[1] ~= userId then
  return { 'forbidden' }
end
local seen = (messageId ~= '' and redis.call('HGET', ids, messageId)) or redis.call('HGET', ids, runId)
if not seen then
  return { 'none' }
end
local bar = string.find(seen, '|', 1, true)
local made, offset = string.sub(seen, 1, bar - 1), tonumber(string.sub(seen, bar + 1))
if known[2] == made then
  return { 'running', made, offset }
end
return { 'ended', made, offset }
