-- touch(keys…): 24 hours from the last state change, all keys of a conversation together; also bounds the log.
-- Needs log.
local function touch(...)
  redis.call('XTRIM', log, 'MAXLEN', '~', 512)
  for _, key in ipairs({ ... }) do
    redis.call('PEXPIRE', key, 86400000)
  end
end
