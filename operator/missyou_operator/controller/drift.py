"""Drift: what was changed outside, and its entries in `status.drift`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.status import Condition, Drift, DriftAction
from missyou_operator.aws.registry import KINDS
from missyou_operator.controller.baseline import Baseline, same_fields
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.outcome import Outcome
from missyou_operator.engine.plan import Action, Change, ObservedState, Plan
from missyou_operator.engine.resource import Observed, Resource
from missyou_operator.events.deeds import Deed, Deeds

_RETAINED = {kind.TYPE for kind in KINDS if kind.RETAINED}
#: Entries of `status.drift` that are kept.
_MAX_ENTRIES = 20
#: What an entry says until its end.
_OPEN = frozenset({DriftAction.CORRECTING, DriftAction.HELD, DriftAction.REPORTED})
#: Reasons of `InSync` with which AWS differs only by what was changed outside.
_SYNCED = frozenset({Reason.SYNCED, Reason.DRIFTED, Reason.CHANGE_IGNORED, Reason.ROLLOUT_FAILED})

#: The changes that undo what was changed outside, each with only the fields that were, by address and ID.
Drifted = Mapping[tuple[str, str], Change]
#: Returns who made a change: of the resource of an address, with an ID if it has one, that was found at a time.
Who = Callable[[str, str, datetime], Deed | None]


def without_retained(plan: Plan) -> Plan:
    """Leave out what is created on request: its absence is no difference between AWS and the spec."""
    return Plan(tuple(change for change in plan.changes if change.type not in _RETAINED))


def was_in_sync(conditions: Sequence[Condition], generation: int) -> bool:
    """Return whether a status says that AWS matched this generation of the spec but for what was changed outside."""
    return any(
        condition.type == ConditionType.IN_SYNC
        and condition.observed_generation == generation
        and condition.reason in _SYNCED
        for condition in conditions
    )


def find_drift(  # noqa: PLR0913, PLR0917 - all that tells whose a difference is
    plan: Plan,
    graph: Graph,
    world: ObservedState,
    baseline: Baseline,
    unread: Collection[str],
    reported: Sequence[Drift],
) -> Drifted:
    """Return what somebody else changed.

    `unread`: types whose state is not known. `reported`: what a process before this one has reported and left alone;
    it stays drift while the spec asks for the same.
    """
    found: dict[tuple[str, str], Change] = {}
    ours: set[str] = set()
    for change in without_retained(plan).changes:
        if change.type in unread:
            continue
        drifted = _outside(change, graph, world, baseline, ours) or _as_reported(change, baseline, reported)
        if drifted is not None:
            found[change.address, change.id] = drifted
        elif change.action in {Action.CREATE, Action.REPLACE}:
            ours.add(change.address)
    ours_too = {address for address, rows in world.items() if rows[0].state == "deleting"}
    return {key: change for key, change in found.items() if not _follows(change, graph, ours | ours_too)}


def _outside(
    change: Change, graph: Graph, world: ObservedState, baseline: Baseline, ours: Collection[str]
) -> Change | None:
    """Return the part of a change that undoes what somebody else did to something that AWS once matched."""
    address, attempt = change.address, baseline.attempts.get(change.address)
    if change.action is Action.DELETE:
        added = baseline.complete and attempt is None and (address in graph or address not in baseline.matched)
        return change if added else None
    old = baseline.matched.get(address)
    if old is None or address in ours:
        return None
    if change.action is Action.CREATE:
        return change if attempt is None or attempt.change.action is Action.UPDATE else None
    desired: Resource = graph.compared[address][2]
    same = same_fields(old, desired, [item.field for item in change.fields])
    # What AWS shows is still as it was desired before (a redirect, while there was a domain): only that has changed.
    same -= {name for name in same & old.COMPARED.keys() if old.matches(name, world[address][0])}
    mine = attempt.change.fields if attempt else ()
    fields = tuple(item for item in change.fields if item.field in same and item not in mine)
    return replace(change, fields=fields) if fields else None


def _as_reported(change: Change, baseline: Baseline, reported: Sequence[Drift]) -> Change | None:
    """Return the part of a change that another process has reported as drift, of what this one has not seen matched."""
    if change.address in baseline.matched or change.address in baseline.attempts:
        return None
    for entry in reported:
        if entry.resource == change.address:
            fields = tuple(item for item in change.fields if str(item) in entry.fields)
            if fields or not (change.fields or entry.fields):
                return replace(change, fields=fields)
    return None


def _follows(change: Change, graph: Graph, ours: Collection[str]) -> bool:
    """Return whether something is gone because the operator took away what it belongs to."""
    if change.action is not Action.CREATE:
        return False
    return not graph.edges.dependencies[change.address].isdisjoint(ours)


def drift_in(plan: Plan, drifted: Drifted) -> tuple[Change, ...]:
    """Return the changes of a plan that would undo drift."""
    return tuple(change for change in plan.changes if _undoes(change, drifted.get((change.address, change.id))))


def _undoes(change: Change, drift: Change | None) -> bool:
    if drift is None:
        return False
    names = {item.field for item in drift.fields}
    return not names or any(item.field in names for item in change.fields)


def as_left(graph: Graph, world: ObservedState, drifted: Drifted) -> Graph:
    """Return the graph in which drift that is only reported is desired: other changes then leave it as it is.

    What cannot be desired (something gone, something more, a difference that is no field) stays for the guard.
    """
    left = {
        change.address: _left(graph[change.address], world[change.address][0], change)
        for change in drifted.values()
        if change.action in {Action.UPDATE, Action.REPLACE}
    }
    if not left:
        return graph
    aim = Graph(left.get(resource.address, resource) for resource in graph)
    aim.keep(graph.kept)
    aim.ignored = graph.ignored
    return aim


def _left(resource: Resource, observed: Observed, change: Change) -> Resource:
    names = {item.field for item in change.fields}
    found = {name: observed.attrs.get(name) for name in names & resource.__dataclass_fields__.keys()}
    values = {name: value for name, value in found.items() if value is not None}
    if "tags" in names:
        values["tags"] = {key: observed.tags[key] for key in resource.tags if key in observed.tags}
    return replace(resource, **values)


def doer(deeds: Deeds, graph: Graph) -> Who:
    """Return what finds out who made a change, by the deeds that events have told of."""

    def who(address: str, id_: str, found_at: datetime) -> Deed | None:
        service = address.partition(".")[0]
        around = graph.edges.dependencies.get(address, frozenset())
        return deeds.behind(address, id_, [each for each in around if each.startswith(f"{service}.")], found_at)

    return who


def news_and_entries(  # noqa: PLR0913, PLR0917 - all that decides how an entry ends
    before: Sequence[Drift],
    drifted: Drifted,
    outcome: Outcome,
    left: Plan,
    baseline: Baseline,
    now: datetime,
    *,
    reports: bool,
    unread: Collection[str] = (),
    who: Who = lambda *_: None,
) -> tuple[list[Drift], tuple[Drift, ...]]:
    """Return what is new about drift in this pass, and all entries for `status.drift`, the latest first.

    `reports`: drift is only reported. `left`: the changes that are still to be made. `who` says who made a change, of
    what has this address and ID, that was found at a time. It may be known only after the change was found.
    """
    differing = {change.address for change in left.changes}

    def action(address: str) -> DriftAction:
        if address not in differing:
            return DriftAction.CORRECTED
        result = outcome.results.get(address)
        waits = result is not None and (result.health.stalled or result.health.unmade)
        return DriftAction.HELD if waits else DriftAction.CORRECTING

    found = {
        change.address: _with_doer(
            Drift(
                resource=change.address,
                fields=tuple(map(str, change.fields)),
                found_at=now,
                action=DriftAction.REPORTED if reports else action(change.address),
            ),
            who(change.address, change.id, now),
        )
        for change in drifted.values()
    }
    kept: list[Drift] = []
    for entry in (each if each.by else _with_doer(each, who(each.resource, "", each.found_at)) for each in before):
        address, new = entry.resource, found.get(entry.resource)
        if entry.action not in _OPEN or address.partition("/")[0] in unread:
            kept.append(entry)
        elif new is None:
            kept.append(_ended(entry, action(address), made=address in baseline.attempts))
        elif new.action != DriftAction.REPORTED or entry.fields == new.fields:
            kept.append(entry.model_copy(update={"action": found.pop(address).action}))
    every = [*found.values(), *kept]
    entries = tuple(_bounded(every))
    # What has ended is news once, though there be no room for it; what is open would be news in each pass.
    shown = [entry for entry in every if entry in entries or entry.action not in _OPEN]
    return [entry for entry in shown if entry not in before], entries


def _with_doer(entry: Drift, deed: Deed | None) -> Drift:
    """Return an entry that says who made the change, if that is known."""
    return entry if deed is None else entry.model_copy(update={"by": deed.by, "at": deed.at})


def _ended(entry: Drift, action: DriftAction, *, made: bool) -> Drift:
    """Return what became of an entry whose drift is no longer found as such."""
    if action in _OPEN:
        # The spec asks for something else since, or the correction is under way.
        action = DriftAction.RESOLVED if entry.action == DriftAction.REPORTED else action
    elif not made and entry.action == DriftAction.REPORTED:
        action = DriftAction.RESOLVED
    return entry.model_copy(update={"action": action})


def _bounded(entries: Sequence[Drift]) -> Iterator[Drift]:
    """Yield the entries that there is room for: those that are open, then the latest of the others."""
    number = sum(entry.action in _OPEN for entry in entries)
    # Of too many open ones the oldest stay, so that the list is the same after each pass.
    surplus, room = max(0, number - _MAX_ENTRIES), max(0, _MAX_ENTRIES - number)
    for entry in entries:
        if entry.action in _OPEN:
            surplus -= 1
            if surplus < 0:
                yield entry
        elif room > 0:
            room -= 1
            yield entry
