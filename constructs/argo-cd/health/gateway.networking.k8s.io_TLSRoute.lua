-- What each gateway says of it (Gateway API 1.6): that it takes the route, and found where it leads.
local told = {}
for _, parent in ipairs((obj.status or {}).parents or {}) do
  local taken = false
  for _, condition in ipairs(parent.conditions or {}) do
    if condition.observedGeneration == obj.metadata.generation then
      if condition.status == 'False' and (condition.type == 'Accepted' or condition.type == 'ResolvedRefs') then
        return { status = 'Degraded', message = condition.message }
      end
      taken = taken or (condition.type == 'Accepted' and condition.status == 'True')
    end
  end
  if not taken then
    return { status = 'Progressing', message = 'no gateway has seen it' }
  end
  table.insert(told, parent.parentRef.name)
end
if #told == 0 then
  return { status = 'Progressing', message = 'no gateway has seen it' }
end
return { status = 'Healthy', message = 'is taken by ' .. table.concat(told, ', ') }
