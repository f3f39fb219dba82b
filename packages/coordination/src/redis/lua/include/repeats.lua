-- repeats(title, words): whether a title is the beginning of a text, as the automatic one is (white space made one, cut with an ellipsis).
local function repeats(title, words)
  local start = string.gsub(title, '\226\128\166$', '')
  local line = string.gsub(string.gsub(words, '%s+', ' '), '^ ', '')
  return start ~= '' and string.sub(line, 1, #start) == start
end
