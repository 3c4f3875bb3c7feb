-- Argo CD's view of a MissYouApp. No standard libraries are there: neither string nor math.
local status = obj.status or {}
local spec = obj.spec or {}
local held = {}
for _, condition in ipairs(status.conditions or {}) do
  held[condition.type] = condition
end

local function health(verdict, condition, otherwise)
  local message = otherwise
  if condition ~= nil and condition.message ~= nil and condition.message ~= "" then
    message = condition.message
  end
  return { status = verdict, message = message }
end

local function is_true(condition)
  return condition ~= nil and condition.status == "True"
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", held.Stalled or held.Ready, "The stack is being deleted")
end
if obj.metadata.generation ~= nil and status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not seen this generation yet" }
end
if is_true(held.Stalled) then
  -- Nothing is broken: somebody is asked.
  if held.Stalled.reason == "ApprovalRequired" then
    return health("Suspended", held.Stalled, "Waiting for approval")
  end
  return health("Degraded", held.Stalled, "Somebody is needed")
end
if spec.suspend == true then
  return { status = "Suspended", message = "spec.suspend is true: nothing is looked at or changed" }
end
if is_true(held.Reconciling) then
  return health("Progressing", held.Reconciling, "Changes are being made")
end
if is_true(held.Ready) then
  return health("Healthy", held.Ready, "Available")
end
if held.Ready ~= nil then
  return health("Degraded", held.Ready, "Not ready")
end
return { status = "Progressing", message = "The operator has not judged it yet" }
