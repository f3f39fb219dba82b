#!lua flags=allow-oom
-- find-free-runs: runs of one shard that wait for this pod: half answers (expired lease, or released) and new prompts.
-- KEYS     queued leases seen meta owner runPrefix cancelPrefix
--          seen: models by when a pod that has them looked last; the last four are beginnings of the keys of a run, same slot
-- ARGV     limit models turn orphanMs announce
--          models: JSON object of those the pod has, 'full' where there is no place for a run of it now, '' any; turn: rises with each look, so that what many unsuited ones hide has its
--          turn; orphanMs: of whose model no pod was seen for so long it is told, 0 never; announce '1': say that this pod looks
-- Returns  a list of { '<conversationId>:<runId>', half, orphan, userId }, half answers first, at most `limit` of each kind
--          half: 1 or 0; orphan: the model that no pod has, else ''
-- Law      expiry is judged by the store's clock; what a pod cannot take never hides what it can
local queued, leases, seen, meta, owner, runPrefix, cancelPrefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local limit, models, turn, orphanMs, announce = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
-- @include now
-- @include alive

local suited = models ~= '' and cjson.decode(models)
if suited and announce == '1' then
  for model in pairs(suited) do
    redis.call('ZADD', seen, now, model)
  end
  redis.call('PEXPIRE', seen, limits.lifeMs)
end
-- Since when is noted who looks, under the name that no model has: where `seen` was evicted, no model was missing before.
if orphanMs > 0 and redis.pcall('ZADD', seen, 'NX', now, '') == 1 then
  redis.call('PEXPIRE', seen, limits.lifeMs)
end
local began = orphanMs > 0 and tonumber(redis.call('ZSCORE', seen, '') or now) or 0
-- The beginnings end with the colon before a run's name.
local runs, cancels = string.sub(runPrefix, 1, -2), string.sub(cancelPrefix, 1, -2)

-- Nil when there is nothing to take, or another pod has to.
local function fit(member)
  local record = redis.call('HMGET', runs .. member, 'model', 'startedAt', 'status', 'cancel')
  local model = record[1]
  local conversationId, runId = string.match(member, '^([^:]*):(.*)$')
  if record[3] ~= 'running' and redis.call('HGET', meta .. (conversationId or ''), 'active') ~= runId then
    -- Over, or gone: it must not stand before what waits.
    redis.call('ZREM', queued, member)
    redis.call('ZREM', leases, member)
    return nil
  end
  local isFull = suited and model and suited[model] == 'full'
  if not suited or not model or (suited[model] ~= nil and not isFull) or record[4] or redis.call('EXISTS', cancels .. member) == 1 then
    return ''
  elseif isFull then
    return nil
  end
  local since = math.max(tonumber(record[2] or 0) or 0, tonumber(redis.call('ZSCORE', seen, model) or 0), began)
  return orphanMs > 0 and now - since >= orphanMs and model or nil
end

local halves, fresh, places = {}, {}, {}
local function note(member, isHalf)
  local orphan = fit(member)
  if not orphan then
    return
  end
  local conversationId = string.match(member, '^[^:]*')
  local userId = redis.call('HGET', meta .. conversationId, 'userId') or ''
  if isHalf or tonumber(redis.call('HGET', owner .. conversationId, 'epoch') or 0) > 0 then
    halves[#halves + 1] = { member, 1, orphan, userId }
    return
  end
  -- One person's hundred prompts and another's one: places go round.
  places[userId] = (places[userId] or 0) + 1
  fresh[#fresh + 1] = { member, 0, orphan, userId, places[userId], #fresh }
end

local size = limits.lookRuns
local expired = redis.call('ZCOUNT', leases, '-inf', now)
local first = expired > size and turn % math.ceil(expired / size) * size or 0
for _, member in ipairs(redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', first, size)) do
  note(member, true)
end
-- Leases that end in the far future: some may be longer than they can be.
for _, member in ipairs(redis.call('ZRANGE', leases, '+inf', '(' .. now, 'BYSCORE', 'REV', 'LIMIT', 0, limits.lookLeases)) do
  local held = redis.call('HMGET', owner .. string.match(member, '^[^:]*'), 'expires', 'leaseMs')
  if tonumber(held[1] or 0) > tonumber(now) and not alive(held[1], held[2]) then
    note(member, true)
  end
end
local waiting = redis.call('ZCARD', queued)
for _, member in ipairs(redis.call('ZRANGE', queued, 0, size - 1)) do
  note(member, false)
end
if waiting > size and #fresh < limit then
  local page = 1 + turn % (math.ceil(waiting / size) - 1)
  for _, member in ipairs(redis.call('ZRANGE', queued, page * size, page * size + size - 1)) do
    note(member, false)
  end
end

table.sort(fresh, function(a, b)
  return a[5] < b[5] or (a[5] == b[5] and a[6] < b[6])
end)
local found = {}
for i = 1, math.min(limit, #halves) do
  found[#found + 1] = halves[i]
end
for i = 1, math.min(limit, #fresh) do
  found[#found + 1] = { fresh[i][1], fresh[i][2], fresh[i][3], fresh[i][4] }
end
return found
