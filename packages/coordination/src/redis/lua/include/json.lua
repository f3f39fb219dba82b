-- json(value): a JSON string, or null for an empty id. UTF-8 passes through cjson unchanged.
local function json(value)
  if not value or value == '' then
    return 'null'
  end
  return cjson.encode(value)
end
