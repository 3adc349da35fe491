-- A source that is not there may still come: certificate authorities are issued while the bundle waits for them.
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == 'Synced' and condition.observedGeneration == obj.metadata.generation then
    if condition.status == 'True' then
      return { status = 'Healthy', message = condition.message }
    end
    if condition.reason == 'SourceNotFound' then
      return { status = 'Progressing', message = condition.message }
    end
    return { status = 'Degraded', message = condition.message }
  end
end
return { status = 'Progressing', message = 'trust-manager has not seen it' }
