"""What is wrong with a MissYouApp: from its conditions and what AWS shows, to causes with their commands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.reasons import Who, explanation
from missyou_operator.api.status import Condition, Status
from missyou_operator.aws.evidence import FAILOVER, MAINTENANCE, Fact
from missyou_operator.cli.remedies import commands_in

#: The reason of what `missyou doctor` finds still to be done: it changes nothing itself.
TO_BE_DONE = Reason.APPLYING
#: The component of what concerns no single one.
WHOLE = "App"
_ALARM = "cloudwatch.Alarm"
_FIRING = "AlarmFiring"
_LOG = ") ends: "
#: What is found of a component that is well, too: the source of the fact -> the reason.
_NOTABLE = {MAINTENANCE: "MaintenancePending", FAILOVER: "FailedOver"}


class Severity(StrEnum):
    """How bad it is: a person has to act, it passes by itself, or it works and somebody should know."""

    BROKEN = "broken"
    WAITING = "waiting"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class View:
    """A condition of a component, as the operator wrote it or as AWS shows it now."""

    component: str
    holds: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `message` says what it is and what helps, with the commands in it."""

    component: str
    reason: str
    severity: Severity
    message: str
    evidence: tuple[Fact, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands of the message: most of them mend it, some show more."""
        return commands_in(self.message)


def views_of(status: Status) -> list[View]:
    """Return the components' conditions as the operator wrote them."""
    names: dict[str, str] = {component.condition: component.value for component in Component}
    return [
        View(names[each.type], each.status == "True", each.reason, each.message)
        for each in status.conditions
        if each.type in names
    ]


def freshest(written: Iterable[View], seen: Iterable[View]) -> list[View]:
    """Return what AWS shows now (`seen`) where that says more than what the operator has written.

    The operator knows more where a change is held or waits: Kubernetes Secrets, approvals, refusals.
    """
    known = {view.component: view for view in written}
    for view in seen:
        before = known.get(view.component)
        silent = not view.holds and (view.reason == TO_BE_DONE or _who(view.reason) is Who.NORMAL)
        if view.component == Component.SECRETS or (before is not None and not before.holds and silent):
            continue
        known[view.component] = view
    return list(known.values())


def examine(
    body: Mapping[str, Any], status: Status, views: Sequence[View], firing: Sequence[str], facts: Sequence[Fact]
) -> list[Finding]:
    """Return what is wrong, the worst first; nothing for a healthy app.

    `firing`: a sentence for each alarm that fires. `facts`: what AWS shows of what is in trouble.
    """
    found = [_finding(view, facts) for view in views if not view.holds or _warns(view)]
    alarms = tuple(fact for fact in facts if fact.source == "alarm")
    found += [Finding(Component.MONITORING, _FIRING, Severity.WARNING, text, alarms[:1]) for text in firing[:1]]
    found += [Finding(Component.MONITORING, _FIRING, Severity.WARNING, text) for text in firing[1:]]
    found += [
        Finding(fact.component, _NOTABLE[fact.source], Severity.WARNING, fact.text)
        for fact in facts
        if fact.source in _NOTABLE and commands_in(fact.text)
    ]
    found += _of_the_whole(body, status, found)
    order = list(Severity)
    return sorted(found, key=lambda each: order.index(each.severity))


def firing_in(status: Status) -> list[str]:
    """Return what the status says of the alarms that fire."""
    return [row.message for row in status.resources if row.type == _ALARM and " is in ALARM" in row.message]


def _finding(view: View, facts: Sequence[Fact]) -> Finding:
    evidence = tuple(
        fact for fact in facts if fact.component == view.component and fact.source not in {"alarm", *_NOTABLE}
    )
    message = view.message
    for log in (fact.text for fact in evidence if fact.source == "log"):
        # It is shown in full below. What follows it may name another command.
        before, found, rest = message.partition(_LOG)
        message = f"{before}){rest.partition(log)[2]}" if found else before
    return Finding(view.component, view.reason, _severity(view), message or view.reason, evidence)


def _severity(view: View) -> Severity:
    if view.holds:
        return Severity.WARNING
    return Severity.WAITING if _who(view.reason) in {Who.NORMAL, Who.AWS} else Severity.BROKEN


def _warns(view: View) -> bool:
    return view.reason != Reason.AVAILABLE and _who(view.reason) is not Who.NORMAL


def _who(reason: str) -> Who | None:
    row = explanation(reason)
    return row.who if row else None


def _of_the_whole(body: Mapping[str, Any], status: Status, found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield what no component's condition says: of the spec, of an approval, of a deletion, of the operator."""
    meta = body["metadata"]
    conditions = {condition.type: condition for condition in status.conditions}
    if status.observed_generation != meta.get("generation"):
        yield Finding(
            WHOLE,
            "NotObserved",
            Severity.BROKEN,
            f"the operator has not seen generation {meta.get('generation')} of the spec. See whether it runs, and "
            "whether it watches this namespace: kubectl -n missyou-system get pods,lease",
        )
        return
    if meta.get("deletionTimestamp"):
        yield from _deletion(status, conditions)
        return
    told = {each.reason for each in found}
    for type_ in (ConditionType.STALLED, ConditionType.READY, ConditionType.IN_SYNC):
        condition = conditions.get(type_)
        if condition is None or condition.reason in told or not _speaks(condition):
            continue
        told.add(condition.reason)
        view = View(WHOLE, condition.status == "True" and type_ != ConditionType.STALLED, condition.reason, "")
        if found and _severity(view) is Severity.WAITING:
            continue
        yield Finding(WHOLE, condition.reason, _severity(view), condition.message)


def _speaks(condition: Condition) -> bool:
    if condition.type == ConditionType.STALLED:
        return condition.status == "True"
    # A suspended app keeps the value of its Ready.
    return condition.status != "True" or condition.reason == Reason.SUSPENDED


def _deletion(status: Status, conditions: Mapping[str, Condition]) -> Iterator[Finding]:
    stalled, ready = conditions.get(ConditionType.STALLED), conditions.get(ConditionType.READY)
    if stalled is not None and stalled.status == "True":
        yield Finding(WHOLE, stalled.reason, Severity.BROKEN, stalled.message)
    elif ready is not None:
        yield Finding(WHOLE, ready.reason, Severity.WAITING, ready.message)
    for blocker in status.blockers:
        if stalled is None or blocker.message != stalled.message:
            owner = f", of {blocker.owner}" if blocker.owner else ""
            text = f"{blocker.resource}{owner}: {blocker.message}"
            yield Finding(WHOLE, Reason.DELETING, Severity.WAITING, text)
