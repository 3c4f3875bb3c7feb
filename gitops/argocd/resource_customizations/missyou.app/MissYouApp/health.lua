-- The order is kstatus's, except that a suspended app is Suspended. See docs/gitops.md.
-- Scripts in argocd-cm have only package, base and table: no string, no math.

local function says(condition)
  local reason, message = condition.reason or "", condition.message or ""
  if message == "" then
    return reason
  end
  return reason .. ": " .. message
end

local spec, status, metadata = obj.spec or {}, obj.status or {}, obj.metadata or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local stalled, reconciling, ready = conditions.Stalled, conditions.Reconciling, conditions.Ready
local command = "kubectl get missyouapp " .. (metadata.name or "") .. " -n " .. (metadata.namespace or "") .. " -o wide"

-- What a person has to decide, or to know, beside the health: the plan that waits, what it costs, what drifted.
local function notes()
  local plan, in_sync = status.plan or {}, conditions.InSync or {}
  if in_sync.reason == "ApprovalRequired" and plan.id then
    local text = " Plan " .. plan.id .. " waits for the action approve"
    if plan.summary then
      text = text .. ": " .. plan.summary
    end
    if plan.effect then
      text = text .. "; the app: " .. plan.effect
    end
    if plan.cost and plan.cost.differenceUSD then
      text = text .. "; cost: " .. plan.cost.differenceUSD .. " USD a month"
    end
    return text .. "."
  end
  if in_sync.reason == "Drifted" then
    return " Drift: " .. (in_sync.message or "see status.drift") .. "."
  end
  return ""
end

-- Argo CD goes on showing a message until the health changes or the Application is refreshed: it has to stay true.
local function read(condition)
  return "When last read: " .. says(condition) .. "." .. notes() .. " Now: " .. command
end
local unread = "Applied; what the operator says of it: " .. command

-- Argo CD itself does not run the script during a deletion; other users of it may.
if metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = ready and read(ready) or unread }
end
-- The status is about another spec until the operator has reconciled this one.
if status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = unread }
end
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = read(stalled) }
end
if spec.suspend == true then
  return { status = "Suspended", message = ready and read(ready) or "spec.suspend is true" }
end
if reconciling and reconciling.status == "True" then
  -- While Ready is not True, it says more than Reconciling.
  return { status = "Progressing", message = read(ready and ready.status ~= "True" and ready or reconciling) }
end
if ready and ready.status == "True" then
  if notes() ~= "" then
    return { status = "Healthy", message = read(ready) }
  end
  local cost = status.cost or {}
  if cost.monthlyUSD and cost.pricesFrom then
    local estimate = cost.monthlyUSD .. " USD a month by the prices of " .. cost.pricesFrom
    return { status = "Healthy", message = says(ready) .. ". Estimated cost: " .. estimate }
  end
  return { status = "Healthy", message = says(ready) }
end
if ready and ready.status == "False" then
  return { status = "Degraded", message = read(ready) }
end
return { status = "Progressing", message = unread }
