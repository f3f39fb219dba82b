-- figure(value): a whole number as text, as JSON has it; 0 for anything else. An argument or a stored field is not believed.
local function figure(value)
  local number = tonumber(value)
  if not number or number ~= number or math.abs(number) > 9007199254740991 then
    return '0'
  end
  return string.format('%.0f', number)
end
