-- generation(): the store's, for a log that begins now. Needs store.
local function generation()
  return redis.call('HGET', store, 'n') or '0'
end
