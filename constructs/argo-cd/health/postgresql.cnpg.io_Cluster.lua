-- Phases of CloudNativePG 1.30 (api/v1/cluster_types.go). Degraded is only what ends with a person: a failover or a restart
-- on its way is progress, and calling it degraded would fail the sync that caused it.
local NEEDS_A_PERSON = {
  ['Waiting for user action'] = true,
  ['Cluster cannot proceed to reconciliation due to an unknown plugin being required'] = true,
  ['Cluster cannot proceed to reconciliation due to an error while interacting with plugins'] = true,
  ['Cluster has incomplete or invalid image catalog'] = true,
  ['Cluster is unrecoverable and needs manual intervention'] = true,
  ['Cluster cannot execute instance online upgrade due to missing architecture binary'] = true,
  ['Unable to create required cluster objects'] = true,
  ['Invalid cluster definition'] = true,
}

local status = obj.status or {}
local annotations = obj.metadata.annotations or {}

if annotations['cnpg.io/hibernation'] == 'on' then
  return { status = 'Suspended', message = 'is hibernated' }
end
if annotations['cnpg.io/reconciliationLoop'] == 'disabled' then
  return { status = 'Suspended', message = 'the operator is told to leave it alone' }
end

local phase = status.phase
local message = status.phaseReason or phase or 'the operator has not seen it'
if phase == 'Cluster in healthy state' then
  local wanted = obj.spec.instances or 1
  local ready = status.readyInstances or 0
  if ready < wanted then
    return { status = 'Progressing', message = ready .. ' of ' .. wanted .. ' instances are ready' }
  end
  return { status = 'Healthy', message = phase }
end
if NEEDS_A_PERSON[phase] then
  return { status = 'Degraded', message = message }
end
return { status = 'Progressing', message = message }
