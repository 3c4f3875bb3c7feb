-- A disabled action can still be run from the command line, so that its condition is checked here again.
if obj.spec.suspend == true then
  error("the app is suspended already", 0)
end
obj.spec.suspend = true
return obj
