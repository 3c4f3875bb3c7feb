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
local command = "kubectl get missyouapp " .. (metadata.name or "") .. " -n " .. (metadata.namespace or "") .. " -o wide"

-- Argo CD goes on showing a message until the health changes or the Application is refreshed: it has to stay true.
local function read(condition)
  return "When last read: " .. says(condition) .. ". Now: " .. command
end
local unread = "Applied; what the operator says of it: " .. command

-- Argo CD itself does not run the script during a deletion; other users of it may.
if metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = ready and read(ready) or unread }
end
-- The status is about another spec until the operator has reconciled this one.
if status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = unread }
end
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = read(stalled) }
end
if spec.suspend == true then
  return { status = "Suspended", message = ready and read(ready) or "spec.suspend is true" }
end
if reconciling and reconciling.status == "True" then
  -- While Ready is not True, it says more than Reconciling.
  return { status = "Progressing", message = read(ready and ready.status ~= "True" and ready or reconciling) }
end
if ready and ready.status == "True" then
  return { status = "Healthy", message = says(ready) }
end
if ready and ready.status == "False" then
  return { status = "Degraded", message = read(ready) }
end
return { status = "Progressing", message = unread }
