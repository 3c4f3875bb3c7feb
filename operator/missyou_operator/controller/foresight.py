"""The plan of a stack that nobody carries out: what `missyou plan` shows. It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.api.status import Hold, PlanStatus
from missyou_operator.controller.considering import consider, expect
from missyou_operator.controller.environment import Environment
from missyou_operator.controller.inputs import Inputs, observe_and_plan
from missyou_operator.controller.planned import as_status, left_to_do
from missyou_operator.engine.leave import left_alone
from missyou_operator.engine.plan import Change
from missyou_operator.engine.resource import Health


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would be done.

    `plan`: None for nothing. `unreadable`: types that AWS does not show now, with the reason. `left_alone`: what the
    spec asks for in vain, since `existing.ignoreDifferences` leaves it as it is.
    """

    plan: PlanStatus | None
    unreadable: Mapping[str, Health]
    left_alone: tuple[Change, ...] = ()


def foresee(inputs: Inputs, app: AppSpec, environment: Environment) -> Foresight:
    """Go through the steps of a pass up to the guards, and return what the pass would do, or ask.

    While a plan waits for approval, it bears the ID that `status.plan` has. The rest of it is what would be done at
    once.
    """
    observations, graph, plan = observe_and_plan(inputs)
    found = consider(inputs, app, environment, graph, plan, observations)
    left = left_to_do(found.todo, graph, observations.world, ())
    alone = left_alone(graph, observations.world, app.existing.ignored)
    if not left.changes:
        return Foresight(None, observations.unreadable, alone)
    approvals, spending = found.ctx.approvals, found.ctx.spending
    asked = found.approval if found.approval.changes else left

    def hold(change: Change) -> Hold | None:
        health = found.held.get(change.address)
        return Hold(reason=health.reason, message=health.message) if health else None

    status = as_status(
        spending.id if spending.approval.changes else approvals.id(asked.digest),
        left,
        expect(left, graph, observations.world, app, environment.prices),
        hold,
        spending.planned(),
    )
    return Foresight(status, observations.unreadable, alone)
