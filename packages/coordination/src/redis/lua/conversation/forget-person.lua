-- forget-person: everything that is kept by a person's name goes; their conversations went before.
-- KEYS     conversations titles places spent shares
-- ARGV     (none)
-- Returns  done
-- Law      none: what is counted begins anew
local conversations, titles, places, spent, shares = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

redis.call('UNLINK', conversations, titles, places, spent, shares)
return { 'done' }
