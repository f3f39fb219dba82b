-- wanted(): who wants the run cancelled, and when; false when nobody does. It stands in two keys, so that one that is evicted does not let an
-- answer go on that its reader was told would stop. Needs cancel, run.
local function wanted()
  return redis.call('GET', cancel) or redis.call('HGET', run, 'cancel')
end
