local status = obj.status or {}

-- In a standby cluster the database comes with the data, and the operator says so.
if status.applied == nil and status.message ~= nil then
  return { status = 'Healthy', message = status.message }
end
-- It keeps the generation of the last success: of the first failures only the message tells.
if status.observedGeneration ~= obj.metadata.generation or status.applied == nil then
  return { status = 'Progressing', message = status.message or 'the operator has not applied it' }
end
if status.applied then
  return { status = 'Healthy', message = 'is applied' }
end
return { status = 'Degraded', message = status.message or 'could not be applied' }
