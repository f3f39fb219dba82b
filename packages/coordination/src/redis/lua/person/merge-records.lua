-- merge-records: what the database has of a person's records of a kind comes back. Of each the newer version stays; what the database lacks, for
-- the outbox it went into was lost, is told again.
-- KEYS     records events store
-- ARGV     userId kind rows lifeMs cap      (rows: JSON of [name, version, JSON of the fields, or '' where it was taken away])
-- Returns  merged
-- Law      L-2 by told; where somebody has done it already nothing changes
local records, events, store = KEYS[1], KEYS[2], KEYS[3]
local userId, kind, rows, lifeMs, cap = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- @include now
-- @include generation
-- @include recordhead
-- @include told

if recordhead() then
  return { 'merged' }
end
local before = tonumber(string.match(redis.call('HGET', records, 'head') or '', '^[^|]*|(%d+)|')) or 0
local stored, newest = {}, before
for _, row in ipairs(rows) do
  local name, version, text = row[1], tonumber(row[2]), row[3]
  stored[name] = version
  newest = math.max(newest, version)
  local here = tonumber(string.match(redis.call('HGET', records, 'r:' .. name) or '0|', '^%d+'))
  if here == 0 and version < before and text ~= '' then
    -- This store knew it and has it no more: it was taken away here.
    told(name, string.format('%.0f', before), '')
  elseif version > here and text == '' then
    redis.call('HDEL', records, 'r:' .. name)
  elseif version > here then
    redis.call('HSET', records, 'r:' .. name, string.format('%.0f', version) .. '|' .. text)
  end
end
local used, all = 0, redis.call('HGETALL', records)
for i = 1, #all, 2 do
  if all[i] ~= 'head' then
    local name = string.sub(all[i], 3)
    local version, text = string.match(all[i + 1], '^(%d+)|(.*)$')
    used = used + #name + #all[i + 1]
    if tonumber(version) > (stored[name] or 0) then
      told(name, version, text)
    end
  end
end
redis.call('HSET', records, 'head', generation() .. '|' .. string.format('%.0f', newest) .. '|' .. string.format('%.0f', used))
if lifeMs > 0 then
  redis.call('PEXPIRE', records, lifeMs)
end
return { 'merged' }
