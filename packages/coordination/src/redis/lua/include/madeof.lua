-- madeof(titled, title, messageId): whether a model made this title of that message. A title that another release has set since is not.
local function madeof(titled, title, messageId)
  local promptId, runId, digest = string.match(titled or '', '^(%S+) (%S+) (%S+)$')
  return (promptId == messageId or runId == messageId) and digest == redis.sha1hex(title)
end
