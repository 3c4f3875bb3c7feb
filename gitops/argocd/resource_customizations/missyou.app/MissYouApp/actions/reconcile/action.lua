-- A disabled action can still be run from the command line, so that its conditions are checked here again.
local os = require("os")
if obj.metadata.deletionTimestamp ~= nil then
  error("the app is being deleted: the operator reconciles all the time", 0)
end
if obj.spec.suspend == true then
  error("the app is suspended: resume it first", 0)
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
local asked = "Argo CD at " .. os.date("!%Y-%m-%dT%H:%M:%SZ")
-- Asked twice in a second: only what is new is obeyed.
if obj.metadata.annotations["missyou.app/reconcile"] == asked then
  asked = asked .. ", again"
end
obj.metadata.annotations["missyou.app/reconcile"] = asked
return obj
