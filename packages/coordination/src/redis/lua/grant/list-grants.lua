-- list-grants: the keys, or the sessions, that a person has.
-- KEYS     grants
-- ARGV     kind      (empty: of all kinds)
-- Returns  listed grants      (grantId, digest, data, createdAt, usedAt, expires of each)
-- Law      what has ended is not listed
local grants = KEYS[1]
local kind = ARGV[1]
-- @include now
-- @include lapsed
-- @include standing

local listed = {}
for _, entry in ipairs(standing(grants)) do
  local grant = entry[2]
  if kind == '' or grant.kind == kind then
    listed[#listed + 1] = { entry[1], grant.digest, grant.data, grant.createdAt, grant.usedAt, grant.expires }
  end
end
return { 'listed', listed }
