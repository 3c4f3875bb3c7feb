"""Data that is gone: what held some, was deleted outside, and would be made anew without it.

That is no drift to be put right: whoever reads an empty database has lost the message that it was a full one. Such a
creation counts as one that destroys data, so that it waits for a person. The evidence is in AWS (`Resource.lost`), and
the status remembers what AWS shows no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from missyou_operator.api.annotations import approve_command, patch_command
from missyou_operator.api.conditions import Reason
from missyou_operator.api.status import Data
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.observe import Observations
from missyou_operator.aws.registry import KINDS
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import Health, Remains, failed

_EVIDENCE = {kind.TYPE: {kind.TYPE, *kind.EVIDENCE} for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Loss:
    """What a person has to know of one loss: since when it is known, and what is left."""

    since: str
    remains: Remains


def mark(plan: Plan, graph: Graph, observations: Observations, recorded: Sequence[Data]) -> Plan:
    """Return a plan whose creations tell what they would take the place of, if that held data.

    While the evidence cannot be read there is no verdict: the guard `unreadable` holds the creation.
    """
    remembered = {entry.resource: entry.id for entry in recorded}

    def marked(change: Change) -> Change:
        if change.action is not Action.CREATE or _EVIDENCE[change.type] & set(observations.unreadable):
            return change
        gone = graph[change.address].lost(observations.world, remembered.get(change.address, ""))
        destroys = f"the last trace of the data of {change.address} ({gone}), which was deleted outside" if gone else ""
        return replace(change, destroys=destroys, incarnation=gone)

    return Plan(tuple(map(marked, plan.changes)))


def lost(plan: Plan) -> list[Change]:
    """Return the creations that would take the place of lost data."""
    return [change for change in plan.of(Action.CREATE) if change.destroys]


def describe(plan: Plan, graph: Graph, cloud: Cloud, recorded: Sequence[Data], now: datetime) -> Mapping[str, Loss]:
    """Find out what is left of each loss, by address. What AWS does not tell is left out of the message."""
    since = {entry.resource: entry.lost_at for entry in recorded}
    found = {}
    for change in lost(plan):
        try:
            remains = graph[change.address].remains(cloud, change.incarnation)
        except Exception as error:  # the loss is told all the same
            remains = Remains(f"What is left of it cannot be read: {classify(error).message}")
        found[change.address] = Loss(f"{since.get(change.address) or now:%Y-%m-%d %H:%M} UTC", remains)
    return found


def explain(change: Change, loss: Loss, plan_id: str, body: Mapping[str, Any]) -> Health:
    """Return the health of a loss: what happened, and each way out as a command."""
    ways = [f"To {loss.remains.anew}: {approve_command(body, plan_id)}"]
    if loss.remains.patch:
        ways.insert(0, f"To restore it: {patch_command(body, loss.remains.patch)}")
    return failed(
        Reason.DATA_LOST,
        f"{change.address} ({change.incarnation}) held data and is missing since {loss.since}. "
        f"Nothing takes its place before you choose. {loss.remains.found}. {'. '.join(ways)}",
        typical_seconds=300.0,
    )


def records(
    graph: Graph, observations: Observations, left: Plan, recorded: Sequence[Data], now: datetime
) -> tuple[Data, ...]:
    """Return `status.data`: what holds data now, and what is lost."""
    before, world = {entry.resource: entry for entry in recorded}, observations.world
    missing = {change.address: change for change in lost(left)}
    found = []
    for resource in graph:
        entry, observed = before.get(resource.address), next(iter(world.get(resource.address, ())), None)
        if _EVIDENCE.get(resource.TYPE, set()) & set(observations.unreadable):
            found.append(entry)
        elif observed is not None and observed.owned:
            evidence = resource.evidence(observed, world)
            found.append(Data(resource=resource.address, id=evidence) if evidence else None)
        elif change := missing.get(resource.address):
            id_, lost_at = (entry.id, entry.lost_at) if entry else (change.incarnation, None)
            found.append(Data(resource=resource.address, id=id_, lost_at=lost_at or now))
    return tuple(sorted(filter(None, found), key=lambda each: each.resource))
