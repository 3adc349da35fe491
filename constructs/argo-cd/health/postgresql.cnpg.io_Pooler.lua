-- Phases of CloudNativePG 1.30 (api/v1/pooler_types.go). An inactive pooler waits for something that may still come.
local status = obj.status or {}
local reason = status.phaseReason or status.error or ''

if status.phase == 'failed' then
  return { status = 'Degraded', message = reason }
end
if status.phase == 'paused' then
  return { status = 'Suspended', message = 'holds its clients back' }
end
local wanted = obj.spec.instances or 1
local pods = status.instances or 0
if status.phase == 'inactive' or pods < wanted then
  return { status = 'Progressing', message = reason ~= '' and reason or pods .. ' of ' .. wanted .. ' pods are there' }
end
return { status = 'Healthy', message = pods .. ' pods' }
