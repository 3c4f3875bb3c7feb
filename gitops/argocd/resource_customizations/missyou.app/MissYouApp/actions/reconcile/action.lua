-- Asks the operator to compare everything with AWS now.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["missyou.app/reconcile"] = os.date("!%Y-%m-%dT%XZ")
return obj
