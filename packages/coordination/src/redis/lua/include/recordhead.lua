-- recordhead(): newest version and bytes of a person's records of a kind; nil where they are not here, or the store changed since: the
-- database may know better then. Needs records, generation.
local function recordhead()
  local of, newest, used = string.match(redis.call('HGET', records, 'head') or '', '^([^|]*)|(%d+)|(%d+)$')
  if of ~= generation() then
    return nil, 0
  end
  return tonumber(newest), tonumber(used)
end
