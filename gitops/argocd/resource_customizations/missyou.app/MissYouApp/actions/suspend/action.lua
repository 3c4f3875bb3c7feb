-- Stops the operator from looking at AWS and from changing it. Self-heal takes this back where Git states suspend.
obj.spec.suspend = true
return obj
