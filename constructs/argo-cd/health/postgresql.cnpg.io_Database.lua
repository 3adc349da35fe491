local status = obj.status or {}

if status.observedGeneration ~= obj.metadata.generation or status.applied == nil then
  return { status = 'Progressing', message = 'the operator has not applied it' }
end
if status.applied then
  return { status = 'Healthy', message = 'is applied' }
end
return { status = 'Degraded', message = status.message or 'could not be applied' }
