-- weigh(parts): about how many tokens the files among a message's parts are, and whether one of them is a picture: those are 1000 each. The rule
-- of `fileTokens` in @runnel/protocol.
local function weigh(parts)
  local tokens, isSeen = 0, false
  for _, part in ipairs(parts or {}) do
    if part.kind == 'file' then
      local isPicture = string.sub(part.mediaType or '', 1, 6) == 'image/' and not part.tokens
      isSeen = isSeen or isPicture
      tokens = tokens + (isPicture and 1000 or part.tokens or 0)
    end
  end
  return tokens, isSeen
end
