-- The command line runs disabled actions too, so the conditions are checked here again.
local spec, status, metadata = obj.spec or {}, obj.status or {}, obj.metadata
if metadata.deletionTimestamp ~= nil then
  error("the app is being deleted: there is nothing to approve", 0)
end
if spec.suspend == true then
  error("the app is suspended: resume it first", 0)
end
if status.observedGeneration ~= metadata.generation then
  error("the operator has not reconciled this spec yet: approve the plan that it then shows", 0)
end
local waiting = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "InSync" and condition.reason == "ApprovalRequired" then
    waiting = true
  end
end
if not waiting or status.plan == nil then
  error("no plan waits for approval", 0)
end
if metadata.annotations == nil then
  metadata.annotations = {}
end
if metadata.annotations["missyou.app/approve"] == status.plan.id then
  error("this plan is approved already", 0)
end
metadata.annotations["missyou.app/approve"] = status.plan.id
return obj
