"""What of a plan is held back: what destroys data without approval, and drift where it is only to be reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.observe import Observations
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.memory import Memory
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import READY, Health, failed, pending


@dataclass(frozen=True, slots=True)
class Restraint:
    """What is held back and why: see `execute`, and `Found` for the rest. `blind`: part of AWS could not be read."""

    withheld: Mapping[str, Health] = field(default_factory=dict)
    approval: Plan = field(default_factory=Plan)
    drifted: Sequence[Change] = ()
    reported_only: bool = False
    blind: bool = False


#: Seconds after a start of the operator in which AWS may not show what the one before has made at the last moment
#: (EC2 lags behind by up to 10 s).
_SETTLING = 10.0


def premature(body: Mapping[str, Any], graph: Graph, plan: Plan, started: datetime, now: datetime) -> dict[str, Health]:
    """Hold back, just after a start, the creation of what could be there twice.

    A VPC has neither a name nor a client token: only having looked prevents a second one.
    """
    if not just_started(body, started, now):
        return {}
    wait = pending("Settling", "the operator has just started: AWS may not show yet what was made just before", 10.0)
    return {change.address: wait for change in plan.of(Action.CREATE) if graph[change.address].NOT_IDEMPOTENT}


def just_started(body: Mapping[str, Any], started: datetime, now: datetime) -> bool:
    """Tell whether AWS may not show yet what the process before this one made for an app at the last moment.

    An app that is younger than this process cannot have been begun by another.
    """
    created = body["metadata"].get("creationTimestamp")
    if (now - started).total_seconds() > _SETTLING or not created:
        return False
    # Kubernetes cuts the fraction of the second off: an app of the very second of the start is younger, too.
    return datetime.fromisoformat(created) + timedelta(seconds=1) <= started


def shielded(plan: Plan, unreadable: Mapping[str, Health]) -> dict[str, Health]:
    """Hold back deletions that would leave something behind which could not be read just now.

    Kept are what leads to it (a scaling target is only looked for while its cluster is there) and what goes after it.
    """
    kept: dict[str, Health] = {}
    kinds = {kind.TYPE: kind for kind in KINDS}
    for type_, health in unreadable.items():
        path = [type_]
        for step in path:
            path += [need for need in kinds[step].READ_AFTER if need not in path]
        later = [kind.TYPE for kind in KINDS if type_ in kind.DELETE_AFTER]
        kept |= dict.fromkeys([*path, *later], health)
    going = plan.of(Action.DELETE, Action.REPLACE)
    return {change.address: kept[t] for change in going if (t := change.address.partition("/")[0]) in kept}


def lasting(plan: Plan) -> Plan:
    """Take out what is made because somebody asked for it: its absence is no difference between AWS and the spec."""
    kept = {kind.TYPE for kind in KINDS if kind.RETAINED}
    return Plan(tuple(change for change in plan.changes if change.address.partition("/")[0] not in kept))


def restrain(body: Mapping[str, Any], app: AppSpec, memory: Memory, plan: Plan, sight: Observations) -> Restraint:
    """Judge a plan."""
    withheld = shielded(plan, sight.unreadable)
    drifted = lasting(plan).changes if was_in_sync(body, memory) else ()
    reported_only = bool(drifted) and app.drift_policy == "Report"
    if reported_only:
        withheld |= {change.address: _reported(change, sight) for change in drifted}
    destructive = plan.destructive()
    approved = (body["metadata"].get("annotations") or {}).get("missyou.app/approve") == destructive.id
    if destructive.changes and not approved:
        withheld |= {change.address: _needs_approval(change, destructive.id, body) for change in destructive.changes}
    for change in plan.changes:
        blind = sight.unreadable.get(change.address.partition("/")[0])
        if blind is not None:
            withheld[change.address] = blind
    return Restraint(withheld, Plan() if approved else destructive, drifted, reported_only, bool(sight.unreadable))


def drift_entries(restraint: Restraint, outcome: Outcome, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the entries for `status.drift`: what was found changed outside, and what this pass did about it."""
    done = {change.address for change in outcome.done}
    entries = []
    for change in restraint.drifted:
        action = "Reported" if restraint.reported_only else "Corrected" if change.address in done else "Correcting"
        # What could not be read looks as if it were gone, and what refers to it as if it had changed.
        if restraint.blind and action != "Corrected":
            continue
        if _is_news(change, action, body):
            entries.append({"resource": change.address, "fields": _fields(change), "foundAt": _now(), "action": action})
    return entries


def was_in_sync(body: Mapping[str, Any], memory: Memory) -> bool:
    """Tell whether AWS once matched exactly what is asked for now, so that a difference came from outside.

    After a restart of the operator, the status remembers.
    """
    if memory.synced:
        return memory.synced == memory.inputs
    generation = body["metadata"]["generation"]
    return any(
        condition["type"] == "InSync"
        and condition.get("observedGeneration") == generation
        and (condition["status"] == "True" or condition["reason"] == "Drifted")
        for condition in (body.get("status") or {}).get("conditions", ())
    )


def _reported(change: Change, sight: Observations) -> Health:
    if sight.world.get(change.address):
        return READY
    return failed("Drifted", f"{change.address} was deleted outside; driftPolicy Report leaves it so", stalled=False)


def _needs_approval(change: Change, plan_id: str, body: Mapping[str, Any]) -> Health:
    meta = body["metadata"]
    return failed(
        "ApprovalRequired",
        f"{change.action} {change.address} destroys {change.destroys}. To go on: kubectl annotate missyouapp "
        f"{meta['name']} -n {meta['namespace']} --overwrite missyou.app/approve={plan_id}; or take the change back",
    )


def _is_news(change: Change, action: str, body: Mapping[str, Any]) -> bool:
    """Tell whether this is not already the latest thing said of the resource (a reported drift may stay for days)."""
    said = (body.get("status") or {}).get("drift", ())
    latest = next((entry for entry in said if entry["resource"] == change.address), None)
    if latest is None or action == "Corrected":
        return True
    return bool(latest["action"] != action or latest.get("fields", []) != _fields(change))


def _fields(change: Change) -> list[str]:
    return [f"{item.field}: {item.before} -> {item.after}" for item in change.fields]


def _now() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
