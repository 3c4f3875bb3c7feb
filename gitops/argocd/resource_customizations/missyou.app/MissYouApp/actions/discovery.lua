-- Which actions a MissYouApp offers now.
local status = obj.status or {}
local spec = obj.spec or {}
local waiting = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stalled" and condition.status == "True" and condition.reason == "ApprovalRequired" then
    waiting = true
  end
end
local suspended = spec.suspend == true
return {
  approve = { disabled = not waiting, iconClass = "fa fa-fw fa-check" },
  reconcile = { disabled = suspended, iconClass = "fa fa-fw fa-sync" },
  suspend = { disabled = suspended, iconClass = "fa fa-fw fa-pause" },
  resume = { disabled = not suspended, iconClass = "fa fa-fw fa-play" },
}
