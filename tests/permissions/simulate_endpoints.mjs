// Evaluates requests through VPC endpoints with @cloud-copilot/iam-simulate: JSON on stdin, JSON on stdout.
// The caller's own policy allows everything, and so does whoever owns the resource: the endpoint's policy alone decides.
// in:  [{policy, principal, action, resource, context}]
// out: ["Allowed" | "ImplicitlyDenied" | …]
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
const results = []
for (const { policy, principal, action, resource, context } of JSON.parse(readFileSync(0, 'utf8'))) {
  const answer = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource, accountId: principal.split(':')[4] },
        contextVariables: context
      },
      identityPolicies: [{ name: 'own', policy: everything }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      vpcEndpointPolicies: [{ name: 'endpoint', policy }]
    },
    {}
  )
  results.push(answer.resultType === 'error' ? `error: ${JSON.stringify(answer.errors)}` : answer.overallResult)
}
process.stdout.write(JSON.stringify(results))
