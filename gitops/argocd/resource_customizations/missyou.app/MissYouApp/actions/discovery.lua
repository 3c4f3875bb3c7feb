local spec, status, metadata = obj.spec or {}, obj.status or {}, obj.metadata or {}
local annotations = metadata.annotations or {}

local suspended = spec.suspend == true
local deleting = metadata.deletionTimestamp ~= nil

-- status.plan also exists while changes are under way. Only InSync shows whether it waits for approval.
local waiting = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "InSync" and condition.reason == "ApprovalRequired" then
    waiting = status.plan ~= nil and annotations["missyou.app/approve"] ~= status.plan.id
  end
end
-- The plan of a previous spec is not what would be carried out.
local current = status.observedGeneration == metadata.generation

return {
  approve = { disabled = not waiting or not current or suspended or deleting, iconClass = "fa fa-fw fa-check" },
  reconcile = { disabled = suspended or deleting, iconClass = "fa fa-fw fa-sync" },
  suspend = { disabled = suspended, iconClass = "fa fa-fw fa-pause-circle" },
  resume = { disabled = not suspended, iconClass = "fa fa-fw fa-play-circle" },
}
