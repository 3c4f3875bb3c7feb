-- The order is kstatus's, except that a suspended app is Suspended. See docs/gitops.md.
-- Scripts in argocd-cm have only package, base and table: no string, no math.

local function says(condition)
  local reason, message = condition.reason or "", condition.message or ""
  if message == "" then
    return reason
  end
  return reason .. ": " .. message
end

local spec, status, metadata = obj.spec or {}, obj.status or {}, obj.metadata or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local stalled, reconciling, ready = conditions.Stalled, conditions.Reconciling, conditions.Ready

-- Argo CD itself does not run the script during a deletion; other users of it may.
if metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = ready and says(ready) or "Deleting" }
end
-- The status is about another spec until the operator has reconciled this one.
if status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to reconcile the spec" }
end
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = says(stalled) }
end
if spec.suspend == true then
  local last = ready and " Before that: " .. says(ready) or ""
  return { status = "Suspended", message = "spec.suspend is true: nothing is observed or changed." .. last }
end
if reconciling and reconciling.status == "True" then
  -- While Ready is not True, it says more than Reconciling.
  return { status = "Progressing", message = says(ready and ready.status ~= "True" and ready or reconciling) }
end
if ready and ready.status == "True" then
  return { status = "Healthy", message = says(ready) }
end
if ready and ready.status == "False" then
  return { status = "Degraded", message = says(ready) }
end
return { status = "Progressing", message = "Waiting for the operator" }
