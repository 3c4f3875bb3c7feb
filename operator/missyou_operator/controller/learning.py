"""What a pass learns from comparing AWS with what it matched before: whose each difference is."""

from __future__ import annotations

from missyou_operator.api import AppSpec
from missyou_operator.api.status import DriftAction
from missyou_operator.aws.observe import Observations
from missyou_operator.controller import losses, report
from missyou_operator.controller.drift import Drifted, find_drift, was_in_sync
from missyou_operator.controller.inputs import Inputs
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, Plan


def learn(inputs: Inputs, app: AppSpec, graph: Graph, plan: Plan, observations: Observations) -> Drifted:
    """Compare with what AWS matched before: return what somebody else has changed, and remember what matches now."""
    baseline, before = inputs.memory.baseline, report.previous(inputs.body)
    if inputs.memory.world is None and not baseline.matched:
        lost = not before.conditions and app.drift_policy == "Report" and not plan.of(Action.CREATE)
        # Nothing says whether a complete stack matched its spec once. Report leaves AWS as it is where in doubt.
        if lost or was_in_sync(before.conditions, inputs.body["metadata"]["generation"]):
            baseline.assume(graph)
    baseline.confirm(graph, plan, observations.world, observations.read)
    reported = [entry for entry in before.drift if entry.action == DriftAction.REPORTED]
    # A loss is no drift that is being corrected.
    gone = losses.lost(plan)
    plan = Plan(tuple(change for change in plan.changes if change not in gone))
    return find_drift(plan, graph, observations.world, baseline, observations.unreadable, reported)
