-- A disabled action can still be run from the command line, so that its condition is checked here again.
if obj.spec.suspend ~= true then
  error("the app is not suspended", 0)
end
obj.spec.suspend = false
return obj
