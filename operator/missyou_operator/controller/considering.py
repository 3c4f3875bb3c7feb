"""What a pass makes of a plan before anything is carried out: whose each difference is, and what holds changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import change_costs, losses, preflight, report
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.drift import Drifted, as_left, drift_in, without_retained
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.guards import GUARDS, Context, approvable, awaiting_approval, guard
from missyou_operator.controller.inputs import Inputs, plan_for
from missyou_operator.controller.learning import learn
from missyou_operator.controller.planned import Prospect
from missyou_operator.controller.spending import check_budget, judge
from missyou_operator.cost import PriceTable, estimate
from missyou_operator.engine.duration import expected_seconds
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Change, ObservedState, Plan
from missyou_operator.engine.resource import Health
from missyou_operator.stack.rotation import RotationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A plan, and what became of it.

    `graph`: what is desired. `aim`: the same with drift that is only reported left as it is; `todo`: the plan that
    leads there. `drifted`: what somebody else has changed. `held`: why changes are not made now, by address.
    `approval`: those among them that wait for a person.
    """

    graph: Graph
    aim: Graph
    todo: Plan
    drifted: Drifted
    ctx: Context
    held: Mapping[str, Health]
    approval: Plan


def consider(  # noqa: PLR0913, PLR0917 - the results of the steps before
    inputs: Inputs, app: AppSpec, environment: Environment, graph: Graph, plan: Plan, observations: Observations
) -> Considered:
    """Judge a plan: tell drift from what the spec asks for, and find what holds changes back."""
    drifted = learn(inputs, app, graph, plan, observations)
    aim = as_left(graph, observations.world, drifted) if app.drift_policy == "Report" else graph
    todo = plan if aim is graph else plan_for(inputs, aim, observations)
    ctx = _context(inputs, app, environment, aim, todo, drift_in(todo, drifted), observations)
    held, approval = guard(GUARDS, todo, ctx), awaiting_approval(todo, ctx)
    return Considered(graph=graph, aim=aim, todo=todo, drifted=drifted, ctx=ctx, held=held, approval=approval)


def expect(plan: Plan, graph: Graph, world: ObservedState, app: AppSpec, prices: PriceTable) -> Prospect:
    """Return how long a plan takes, what each of its changes costs, and what has no price."""
    types = estimate(app, prices).not_priced_types()
    return Prospect(
        expected_seconds(plan, graph, world),
        change_costs.by_address(app, prices, plan, world),
        tuple(sorted(resource.address for resource in graph if resource.TYPE in types)),
    )


def _context(  # noqa: PLR0913, PLR0917 - all that guards judge by
    inputs: Inputs,
    app: AppSpec,
    environment: Environment,
    graph: Graph,
    plan: Plan,
    drift: Collection[Change],
    observations: Observations,
) -> Context:
    """Put together what the guards judge a plan by."""
    body, memory, now, prices = inputs.body, inputs.memory, seconds(), environment.prices
    reports = app.drift_policy == "Report"
    priced = Plan(tuple(change for change in without_retained(plan).changes if change not in drift))
    begun = any(rows[0].owned for rows in observations.world.values())
    ran = change_costs.running(app, prices, observations.world) if begun else None
    approvals = Approvals.of(body, report.previous(body), app)
    approvals, spending = judge(
        approvals,
        approvable(plan, approvals, drift, reports_drift=reports),
        lambda approvals: check_budget(body, app, prices, priced, approvals, ran),
        whole=not observations.unreadable,
        rotates=RotationRequest.of(body).is_open,
    )
    return Context(
        body=body,
        plan=plan,
        observations=observations,
        approvals=approvals,
        spending=spending,
        losses=losses.describe(plan, graph, inputs.cloud, report.recorded(body), utc_now()),
        drift=tuple(drift),
        reports_drift=reports,
        unusable_secrets=inputs.unusable,
        unanswered=memory.unanswered(now),
        backing_off=memory.backing_off(now),
        ignored=memory.baseline.ignored(),
        now=now,
        settling=environment.just_started(body),
        preflight=preflight.due(inputs, app, graph, plan, observations),
    )
