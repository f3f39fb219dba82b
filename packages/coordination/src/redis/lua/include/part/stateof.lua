-- stateof(part): the state of a part, by how its JSON begins (`partJson` writes it so); '' where there is none.
local function stateof(part)
  return part and string.match(part, '^{"partId":"[%w_-]+","index":%d+,"at":%d+,"kind":"%l+","state":"(%l+)"') or ''
end
