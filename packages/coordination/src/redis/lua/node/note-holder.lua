#!lua flags=allow-oom
-- note-holder: notes that a gateway is alive, removes expired gateways, and names the rest.
-- KEYS     holders
-- ARGV     holder leaseMs
-- Returns  alive names
-- Law      none: it only decides whose shares still count
local holders = KEYS[1]
local holder, leaseMs = ARGV[1], tonumber(ARGV[2])
-- @include now

redis.call('ZADD', holders, string.format('%.0f', now + leaseMs), holder)
redis.call('ZREMRANGEBYSCORE', holders, '-inf', now)
return { 'alive', redis.call('ZRANGE', holders, 0, -1) }
