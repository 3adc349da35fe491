-- The last backup that failed, later than the last that did not: said, but not degraded. It has its own alert, and a sync
-- that stops here would keep back the very change that mends it.
local message = 'no backup yet'
for server, window in pairs((obj.status or {}).serverRecoveryWindow or {}) do
  local good, bad = window.lastSuccessfulBackupTime, window.lastFailedBackupTime
  if bad ~= nil and (good == nil or good < bad) then
    return { status = 'Healthy', message = 'the last backup of ' .. server .. ' failed at ' .. bad }
  end
  if good ~= nil then
    message = 'last backup of ' .. server .. ' at ' .. good
  end
end
return { status = 'Healthy', message = message }
