-- writer(): why this owner may not write of its run now (L-1); nil: it may. Needs owner, run, runId, epoch, refusal.
local function writer()
  if redis.call('HGET', owner, 'writer') == runId .. ':' .. epoch then
    return nil
  end
  local held = redis.call('HMGET', owner, 'runId', 'epoch')
  if held[1] ~= runId or held[2] ~= epoch then
    return refusal()
  end
  -- It holds the run and may not write: a cancel is wanted.
  return 'cancelled'
end
