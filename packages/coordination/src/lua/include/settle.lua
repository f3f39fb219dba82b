-- settle(): after the end of a run its chunks are of use to nobody: who missed more than the newest events gets a snapshot, which has the
-- whole text. Redis frees a stream by nodes of 100 entries, so the log is written anew; and it gives each new node 4 KiB, of which a copy
-- keeps what is used. Needs log, spare.
local function settle()
  if redis.call('XLEN', log) <= 8 then
    return
  end
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  redis.call('XADD', spare, newest[1], unpack(newest[2]))
  redis.call('COPY', spare, log, 'REPLACE')
  redis.call('UNLINK', spare)
end
