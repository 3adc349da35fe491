local status = obj.status or {}

if obj.spec.suspend then
  return { status = 'Suspended', message = 'no backup is scheduled' }
end
if status.error ~= nil and status.error ~= '' then
  return { status = 'Degraded', message = status.error }
end
if status.nextScheduleTime == nil then
  return { status = 'Progressing', message = 'the operator has not scheduled it' }
end
return { status = 'Healthy', message = 'next backup at ' .. status.nextScheduleTime }
