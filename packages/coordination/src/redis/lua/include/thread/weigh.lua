-- weigh(parts): about how many tokens the files among a message's parts are, whether one of them is a picture (those are 1000 each), and
-- whether there is a file at all. The rule of `filesWeight` in @runnel/protocol.
local function weigh(parts)
  local tokens, isSeen, hasFiles = 0, false, false
  for _, part in ipairs(parts or {}) do
    if part.kind == 'file' then
      hasFiles = true
      local isPicture = string.sub(part.mediaType or '', 1, 6) == 'image/' and not part.tokens
      isSeen = isSeen or isPicture
      tokens = tokens + (isPicture and limits.pictureTokens or part.tokens or 0)
    end
  end
  return tokens, isSeen, hasFiles
end
