-- Lets the plan through that the status shows, and no other. A disabled action still runs from the CLI: hence the guard.
local status = obj.status or {}
local waiting = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stalled" and condition.status == "True" and condition.reason == "ApprovalRequired" then
    waiting = true
  end
end
if not waiting or status.plan == nil or status.plan.id == nil then
  error("nothing waits for approval")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["missyou.app/approve"] = status.plan.id
return obj
