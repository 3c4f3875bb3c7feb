"""The guards: everything that holds a planned change back, in the order in which they speak.

A guard takes a plan and what is known, and returns the health to report for each address that it holds. The first guard
that speaks for an address wins. A change that no guard holds is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from missyou_operator.api.annotations import approve_command
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.elbv2.listener import Listener
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.observe import Observations
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.approvals import Approvals
from missyou_operator.controller.baseline import Attempt
from missyou_operator.controller.drift import without_retained
from missyou_operator.controller.ignored import ignored_health
from missyou_operator.controller.losses import Loss, explain, lost
from missyou_operator.controller.spending import Spending
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import READY, Health, failed, pending
from missyou_operator.stack.running import SOURCES

_KINDS = {kind.TYPE: kind for kind in KINDS}
#: The types whose desired fields follow from what the running version needs.
_BY_NEEDS = frozenset({Listener.TYPE, Role.TYPE, Service.TYPE})
#: The types of which the steps of an approved plan are, beyond what the plan shows at its beginning.
_STEPS = _BY_NEEDS | {"elbv2.TargetGroup", "elbv2.ListenerRule", "ec2.SecurityGroupRule", "ecr.Repository"}
_STEPS |= {"secretsmanager.Secret", "cloudwatch.Alarm", "rds.DBSubnetGroup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the guards of one pass know besides the plan.

    `body` is the MissYouApp object, `plan` what is to be done. `approvals`: what a person has approved. `losses`: what
    is left of data that is gone, by address. `drift`: the changes that undo what was changed outside; `reports_drift`:
    whether `driftPolicy` is Report. `unusable_secrets`: why Kubernetes Secrets give no value, by address. `unanswered`:
    creations that got no answer and that AWS may not show yet. `backing_off`: changes that AWS has refused and that are
    not tried again yet, by address; `ignored`: those that AWS accepts and does not show. `now`: monotonic seconds.
    `settling`: whether the operator has just started. `preflight`: what of a new stack waits for its preflight.
    """

    body: Mapping[str, Any]
    observations: Observations
    plan: Plan = field(default_factory=Plan)
    approvals: Approvals = field(default_factory=Approvals)
    spending: Spending = field(default_factory=Spending)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    drift: Sequence[Change] = ()
    reports_drift: bool = False
    unusable_secrets: Mapping[str, Health] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    backing_off: Mapping[str, Health] = field(default_factory=dict)
    ignored: Sequence[Attempt] = ()
    now: float = 0.0
    settling: bool = False
    preflight: Mapping[str, Health] = field(default_factory=dict)


Guard = Callable[[Plan, Context], Mapping[str, Health]]


def guard(guards: Sequence[Guard], plan: Plan, ctx: Context) -> dict[str, Health]:
    """Return what is held back, and why, by address. The first guard that speaks for an address wins."""
    held: dict[str, Health] = {}
    for each in guards:
        held = {**each(plan, ctx), **held}
    return held


def awaiting_approval(plan: Plan, ctx: Context) -> Plan:
    """Return the changes that wait for a person: all of a plan that exceeds the budget, else what needs approval."""
    if ctx.spending.approval.changes:
        return ctx.spending.approval
    return _missing(plan, ctx)


def _missing(plan: Plan, ctx: Context) -> Plan:
    asked = approvable(plan, ctx.approvals, ctx.drift, reports_drift=ctx.reports_drift)
    return ctx.approvals.missing(asked)


def approvable(plan: Plan, approvals: Approvals, drift: Collection[Change], *, reports_drift: bool) -> Plan:
    """Return the changes of a plan that may need approval.

    Under `changePolicy: Approve` it is every change but a snapshot that somebody has asked for, drift that is only
    reported, and what follows from an approved plan that is under way.
    """
    if not approvals.every:
        return plan

    def asks(change: Change) -> bool:
        if change in drift:
            return not reports_drift
        return not (approvals.under_way and _follows(change))

    return Plan(tuple(change for change in without_retained(plan).changes if asks(change)))


def _follows(change: Change) -> bool:
    """Return whether a change is a step that an approved plan leads to, though the plan could not show it.

    The load balancer moves to the new tasks, and what only the old ones needed goes, also after a rollback
    (`stack.running`); alarms and the evidence of data follow what runs. Another image is no such step.
    """
    if change.destroys or change.type not in _STEPS:
        return False
    return "task_definition" not in {item.field for item in change.fields}


def preflight(_: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold all creations of a new stack of which AWS would refuse some."""
    return ctx.preflight


def budget(_: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold a whole plan that exceeds `spec.budget`."""
    return ctx.spending.held


def unreadable(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold changes of a type that could not be read just now, and creations of which it is not known what is lost."""
    blind = ctx.observations.unreadable
    held = {change.address: blind[change.type] for change in plan.changes if change.type in blind}
    for change in plan.of(Action.CREATE):
        held.update((change.address, blind[type_]) for type_ in _KINDS[change.type].EVIDENCE if type_ in blind)
    return held


def data_lost(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold the creation of what would take the place of lost data, until exactly that has been approved."""
    missing = _missing(plan, ctx)
    id_ = ctx.approvals.id(missing.digest)
    return {change.address: explain(change, ctx.losses[change.address], id_, ctx.body) for change in lost(missing)}


def approval(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold what destroys data until exactly that has been approved; under `changePolicy: Approve`, every change."""
    missing = _missing(plan, ctx)
    id_ = ctx.approvals.id(missing.digest)
    return {
        change.address: _needs_approval(change, id_, ctx.body) if change.destroys else _waits(change, id_, ctx)
        for change in missing.changes
    }


def unrecorded_approval(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold an approved plan for one pass, until the status has what was approved.

    Half a plan is another plan: after a crash in the middle, nothing else would tell that it was approved.
    """
    wait = replace(pending(Reason.PROGRESSING, "approved: it begins in a moment", 1.0), needs_no_read=True)
    return {change.address: wait for change in plan.changes} if ctx.approvals.unrecorded else {}


def reported_drift(_: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold the corrections of drift where it is only reported."""
    return {change.address: _reported(change, ctx.observations) for change in ctx.drift if ctx.reports_drift}


def unreadable_neighbour(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold deletions that would leave something behind which could not be read just now.

    Held are what leads to it (a scaling target is only read while its cluster exists) and what is deleted after it.
    """
    held: dict[str, Health] = {}
    for type_, health in ctx.observations.unreadable.items():
        path = [type_]
        for step in path:
            path += [need for need in _KINDS[step].READ_AFTER if need not in path]
        later = [kind.TYPE for kind in KINDS if type_ in kind.DELETE_AFTER]
        held |= dict.fromkeys([*path, *later], health)
    going = plan.of(Action.DELETE, Action.REPLACE)
    return {change.address: held[change.type] for change in going if change.type in held}


def unknown_running_version(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold what may take away what the running version needs, while it cannot be read which version runs.

    These are deletions, and the changes of what is declared by that version's needs.
    """
    blind = next((health for type_, health in ctx.observations.unreadable.items() if type_ in SOURCES), None)
    if blind is None:
        return {}
    going = [*plan.of(Action.DELETE, Action.REPLACE), *(c for c in plan.of(Action.UPDATE) if c.type in _BY_NEEDS)]
    return {change.address: blind for change in going}


def unusable_secret(_: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold what needs a Kubernetes Secret that gives no value."""
    return ctx.unusable_secrets


def unanswered_creation(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold a second creation of what may exist already, until AWS must show it."""
    wait = pending(Reason.SETTLING, "no answer came to its creation: AWS may show it in some seconds", 10.0)
    return {change.address: wait for change in plan.of(Action.CREATE) if change.address in ctx.unanswered}


def settling(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold, just after a start, the creation of what could be there twice.

    A VPC has neither a name nor a client token: only an observation prevents a second one.
    """
    wait = pending(
        Reason.SETTLING, "the operator has just started: AWS may not show yet what was made just before", 10.0
    )
    made = plan.of(Action.CREATE) if ctx.settling else ()
    return {change.address: wait for change in made if _KINDS[change.type].NOT_IDEMPOTENT}


def backing_off(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold what AWS has just refused, longer each time, until somebody changes the spec or asks for a pass."""
    return {
        change.address: ctx.backing_off[change.address] for change in plan.changes if change.address in ctx.backing_off
    }


def ignored_change(plan: Plan, ctx: Context) -> Mapping[str, Health]:
    """Hold, longer each time, what AWS has accepted again and again and does not show."""
    ignored = {attempt.change.address: attempt for attempt in ctx.ignored if attempt.again_at > ctx.now}
    return {
        change.address: ignored_health(change, exists=bool(ctx.observations.world.get(change.address)))
        for change in plan.changes
        if change.address in ignored and ignored[change.address].repeats(change)
    }


#: The guards of a pass. What a person has to decide comes before what ends by itself.
GUARDS: tuple[Guard, ...] = (
    preflight,
    budget,
    unreadable,
    data_lost,
    approval,
    unrecorded_approval,
    reported_drift,
    unreadable_neighbour,
    unknown_running_version,
    unusable_secret,
    backing_off,
    ignored_change,
    unanswered_creation,
    settling,
)
#: The guards of a deletion: it has been confirmed (see `confirmation`), and what it deletes needs no budget.
DELETION_GUARDS: tuple[Guard, ...] = (unreadable_neighbour, backing_off)


def _reported(change: Change, observations: Observations) -> Health:
    if observations.world.get(change.address):
        return replace(READY, reason=Reason.DRIFTED, message="changed outside; spec.driftPolicy Report leaves it so")
    return failed(
        Reason.DRIFTED, f"{change.address} was deleted outside; driftPolicy Report leaves it so", stalled=False
    )


def _waits(change: Change, plan_id: str, ctx: Context) -> Health:
    """Return that a change waits for the approval of the whole plan; the condition has the command.

    What serves goes on to count as ready: only what is gone, or was never there, is missing.
    """
    text = f"{change.action} waits for the approval of the plan {plan_id}"
    world = ctx.observations.world
    serves = any(rows[0].owned for address, rows in world.items() if address.startswith(f"{Service.TYPE}/"))
    if change.action is Action.DELETE:
        return Health("pending", Reason.APPROVAL_REQUIRED, text, 300.0, needs_no_read=True, unmade=True)
    if world.get(change.address) or (serves and change not in ctx.drift):
        return replace(READY, reason=Reason.APPROVAL_REQUIRED, message=text, unmade=True)
    return replace(failed(Reason.APPROVAL_REQUIRED, text, typical_seconds=300.0), needs_no_read=True, unmade=True)


def _needs_approval(change: Change, plan_id: str, body: Mapping[str, Any]) -> Health:
    return failed(
        Reason.APPROVAL_REQUIRED,
        f"{change.action} {change.address} destroys {change.destroys}. To go on: {approve_command(body, plan_id)}; or "
        "take the change back",
    )
