local status = obj.status or {}

-- What the operator says as long as it has not seen the cluster, one that comes at the same moment too.
local unseen = status.message == 'cluster resource has been deleted, skipping reconciliation'
if unseen then
  return { status = 'Progressing', message = 'the operator has not seen its cluster' }
end
if status.applied == false then
  return { status = 'Degraded', message = status.message or 'could not be applied' }
end
-- In a standby cluster the role comes with the data, and the operator says so.
local settled = status.observedGeneration == obj.metadata.generation and status.applied
if not settled and status.message == nil then
  return { status = 'Progressing', message = 'the operator has not applied it' }
end
local certificate = obj.spec.clientCertificate
if certificate and certificate.enabled ~= false then
  local issued = status.clientCertificate or {}
  if issued.expiration == nil then
    return { status = 'Progressing', message = issued.message or 'the operator has not signed its certificate' }
  end
end
return { status = 'Healthy', message = status.message or 'is applied' }
