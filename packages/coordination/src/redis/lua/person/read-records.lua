-- read-records: what a person has set, of one kind: all of it, or those of some names.
-- KEYS     records store
-- ARGV     names lifeMs      (names: JSON, '' is all; lifeMs 0: nobody else keeps it)
-- Returns  found flat | absent      (flat: name, version and JSON of the fields, one after the other; absent: ask the database first)
-- Law      none: nothing changes
local records, store = KEYS[1], KEYS[2]
local names, lifeMs = ARGV[1], tonumber(ARGV[2])
-- @include generation
-- @include recordhead

if not recordhead() then
  return { 'absent' }
end
if lifeMs > 0 then
  redis.call('PEXPIRE', records, lifeMs)
end
local flat = {}
local function add(name, entry)
  local version, text = string.match(entry, '^(%d+)|(.*)$')
  flat[#flat + 1], flat[#flat + 2], flat[#flat + 3] = name, version, text
end
if names == '' then
  local all = redis.call('HGETALL', records)
  for i = 1, #all, 2 do
    if all[i] ~= 'head' then
      add(string.sub(all[i], 3), all[i + 1])
    end
  end
else
  for _, name in ipairs(cjson.decode(names)) do
    local entry = redis.call('HGET', records, 'r:' .. name)
    if entry then
      add(name, entry)
    end
  end
end
return { 'found', flat }
