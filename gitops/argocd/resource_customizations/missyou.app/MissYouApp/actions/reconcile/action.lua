-- A disabled action can still be run from the command line, so that its conditions are checked here again.
if obj.metadata.deletionTimestamp ~= nil then
  error("the app is being deleted: the operator reconciles all the time", 0)
end
if obj.spec.suspend == true then
  error("the app is suspended: resume it first", 0)
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- Any new value is obeyed. The version is new each time, and Argo CD's test runner can compare it, unlike a date.
obj.metadata.annotations["missyou.app/reconcile"] = "Argo CD, at resourceVersion " .. obj.metadata.resourceVersion
return obj
