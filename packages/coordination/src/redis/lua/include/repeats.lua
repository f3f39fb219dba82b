-- repeats(title, words): whether a title is the beginning of a text, as the automatic one is (white space made one, cut with an ellipsis).
-- White space is what JavaScript's \s is, in UTF-8: Lua's own is that of ASCII.
local function repeats(title, words)
  local start, line = string.gsub(title, '\226\128\166$', ''), words
  for _, blank in ipairs({ '\194\160', '\225\154\128', '\226\128[\128-\138\168\169\175]', '\226\129\159', '\227\128\128', '\239\187\191' }) do
    line = string.gsub(line, blank, ' ')
  end
  line = string.gsub(string.gsub(line, '%s+', ' '), '^ ', '')
  return start ~= '' and string.sub(line, 1, #start) == start
end
