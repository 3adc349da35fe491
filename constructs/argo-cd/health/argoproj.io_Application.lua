-- An Application is healthy once it was synced and what it delivers is healthy: the root Application waits for that
-- between waves. Health alone is not enough, because what has no health of its own (policies, settings) counts as healthy
-- before it exists.
local status = obj.status or {}
local operation = status.operationState or {}
local synced = status.sync ~= nil and status.sync.status == 'Synced'

if operation.phase == 'Running' or operation.phase == 'Terminating' then
  return { status = 'Progressing', message = operation.message or 'is being synced' }
end
-- What failed and is as it should be all the same (a bad commit taken back) does not matter any more.
if (operation.phase == 'Failed' or operation.phase == 'Error') and not synced then
  return { status = 'Degraded', message = operation.message or 'the last sync failed' }
end
if operation.phase == nil and not synced then
  return { status = 'Progressing', message = 'has not been synced' }
end
if status.health == nil or status.health.status == nil then
  return { status = 'Progressing', message = 'has not been looked at' }
end
return { status = status.health.status, message = status.health.message or '' }
