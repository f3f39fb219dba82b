-- rewind(active): where the text of a running answer was evicted, readers hold some of it that is not here: the log begins anew. Returns
-- whether it did. Needs log, runPrefix, now, written, rename.
local function rewind(active)
  local isLost = active and redis.call('STRLEN', runPrefix .. active .. ':text') == 0 and written()
  if isLost then
    rename(redis.sha1hex(active .. ' text ' .. now))
  end
  return isLost
end
