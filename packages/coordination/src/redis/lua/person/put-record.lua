-- put-record: changes something that a person has set: a pin, a thumb, a prompt of their own, a choice.
-- KEYS     records events relay store personChannel
-- ARGV     userId kind name patch whole entries fields bytes lifeMs cap
--          patch: JSON of field → text, null takes one away; whole '1': what it does not name goes too; entries, fields, bytes: limits of a kind;
--          lifeMs 0: nobody else keeps it
-- Returns  done version fields | same version fields | absent | full what | overloaded      (absent: ask the database first)
-- Law      L-2 by told: record and audit event together; versions of a kind rise, whatever the clock does
local records, events, relay, store, personChannel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local userId, kind, name, patch, whole = ARGV[1], ARGV[2], ARGV[3], cjson.decode(ARGV[4]), ARGV[5]
local entries, fields, bytes, lifeMs, cap = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
-- @include now
-- @include generation
-- @include recordhead
-- @include told

local newest, used = recordhead()
if not newest then
  return { 'absent' }
end
local before = redis.call('HGET', records, 'r:' .. name)
local version, standing = string.match(before or '0|', '^(%d+)|(.*)$')
local kept, changed = {}, false
for key, value in pairs(standing ~= '' and cjson.decode(standing) or {}) do
  if whole == '1' and patch[key] == nil then
    changed = true
  else
    kept[key] = value
  end
end
for key, value in pairs(patch) do
  if value == cjson.null then
    changed = changed or kept[key] ~= nil
    kept[key] = nil
  elseif kept[key] ~= value then
    changed = true
    kept[key] = value
  end
end
if not changed then
  return { 'same', tonumber(version), standing }
end
local count = 0
for _ in pairs(kept) do
  count = count + 1
end
local text = count > 0 and cjson.encode(kept) or ''
local held = before and #name + #before or 0
local larger = text ~= '' and #text > #standing
if count > fields and larger then
  return { 'full', 'fields' }
elseif not before and redis.call('HLEN', records) > entries then
  return { 'full', 'entries' }
elseif larger and used - held + #name + #text > bytes then
  return { 'full', 'bytes' }
elseif redis.call('EXISTS', relay) == 1 and redis.call('XLEN', events) >= cap then
  return { 'overloaded' }
end
local next = string.format('%.0f', math.max(tonumber(now), newest + 1))
if text == '' then
  redis.call('HDEL', records, 'r:' .. name)
else
  redis.call('HSET', records, 'r:' .. name, next .. '|' .. text)
end
used = used - held + (text ~= '' and #name + #next + 1 + #text or 0)
redis.call('HSET', records, 'head', generation() .. '|' .. next .. '|' .. string.format('%.0f', used))
if lifeMs > 0 then
  redis.call('PEXPIRE', records, lifeMs)
end
told(name, next, text)
redis.call('SPUBLISH', personChannel, '{"type":"list","change":' .. cjson.encode(kind) .. ',"name":' .. cjson.encode(name) .. '}')
return { 'done', tonumber(next), text }
