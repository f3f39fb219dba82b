-- forget-person: everything that is kept by a person's name goes; their conversations went before.
-- KEYS     conversations titles presets places spent shares
-- ARGV     (none)
-- Returns  done
-- Law      none: what is counted begins anew
local conversations, titles, presets, places, spent, shares = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

redis.call('UNLINK', conversations, titles, presets, places, spent, shares)
return { 'done' }
