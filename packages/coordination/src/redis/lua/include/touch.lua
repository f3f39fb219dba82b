-- touch(keys…): 24 hours from the last state change, all keys of a conversation together; also bounds the log. While nothing runs the log is
-- kept for a minute more: readers who come back within it are handed what they missed, later ones a snapshot (W-7). Needs meta, log.
local function touch(...)
  redis.call('XTRIM', log, 'MAXLEN', '~', limits.logEvents)
  for _, key in ipairs({ ... }) do
    redis.call('PEXPIRE', key, limits.lifeMs)
  end
  if redis.call('HEXISTS', meta, 'active') == 0 then
    redis.call('PEXPIRE', log, limits.quietLogMs)
  end
end
