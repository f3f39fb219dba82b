-- add-grant: a person gets one more key, or begins one more session.
-- KEYS     grants
-- ARGV     kind grantId digest data lifeMs idleMs limit whenFull      (lifeMs 0: until it is ended; whenFull: replace, or refuse)
-- Returns  added replaced | full
-- Law      nobody has more live grants of a kind than the limit
local grants = KEYS[1]
local kind, grantId, digest, data = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lifeMs, idleMs, limit, whenFull = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
-- @include now
-- @include lapsed
-- @include standing

local time = tonumber(now)
local same, lastEnd, forever = {}, 0, lifeMs == 0
for _, entry in ipairs(standing(grants)) do
  local grant = entry[2]
  if entry[1] ~= grantId then
    forever = forever or grant.expires == 0
    lastEnd = math.max(lastEnd, grant.expires)
    if grant.kind == kind then
      same[#same + 1] = { entry[1], grant.usedAt, grant.createdAt, grant.digest }
    end
  end
end
local replaced = {}
if #same >= limit then
  if whenFull ~= 'replace' then
    return { 'full' }
  end
  table.sort(same, function(a, b)
    if a[2] ~= b[2] then
      return a[2] < b[2]
    end
    if a[3] ~= b[3] then
      return a[3] < b[3]
    end
    return a[1] < b[1]
  end)
  for index = 1, #same - limit + 1 do
    redis.call('HDEL', grants, same[index][1])
    replaced[#replaced + 1] = same[index][1]
    replaced[#replaced + 1] = same[index][4]
  end
end
local expires = 0
if lifeMs > 0 then
  expires = time + lifeMs
end
local grant = { kind = kind, digest = digest, data = data, createdAt = time, usedAt = time, expires = expires, idleMs = idleMs }
redis.call('HSET', grants, grantId, cjson.encode(grant))
if forever then
  redis.call('PERSIST', grants)
else
  redis.call('PEXPIRE', grants, string.format('%.0f', math.max(lastEnd, expires) - time))
end
return { 'added', replaced }
