"""The Events that a pass posts: one for each transition of a condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from missyou_operator.api.conditions import NOTEWORTHY, ConditionType, Reason
from missyou_operator.api.status import Condition, Drift
from missyou_operator.engine.leave import Ignored
from missyou_operator.engine.plan import Change


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event. `type`: "Warning" for what needs a person, "Normal" for what merely takes time."""

    type: str
    reason: str
    message: str


def transitions(before: Sequence[Condition], after: Sequence[Condition]) -> list[Event]:
    """Return an Event for each condition whose status changed, or whose reason did: of `Ready`, or to a warning."""
    old = {condition.type: condition for condition in before}
    stalled = any(condition.type == ConditionType.STALLED for condition in after)
    return [
        _event(condition, stalled=stalled)
        for condition in after
        if (previous := old.get(condition.type)) is None
        or condition.status != previous.status
        or (condition.reason != previous.reason and _speaks(condition))
    ]


def new_images(done: Iterable[Change]) -> list[Event]:
    """Return an Event for each change that a pass has made of the image: which tag and digest follow which."""
    found = []
    for change in done:
        texts = [str(item) for item in change.fields if item.field in {"image_tag", "image_digest"}]
        if texts:
            found.append(Event("Normal", "RollingOut", f"another image is rolled out: {'; '.join(texts)}"[:1000]))
    return found


def new_passwords(done: Iterable[Change]) -> list[Event]:
    """Return an Event for each database that a pass has given another password."""
    message = "{} gets another password; the tasks are replaced by such as start with it"
    return [
        Event("Normal", "PasswordRotated", message.format(change.id))
        for change in done
        if any(item.field == "password" for item in change.fields) and change.type == "rds.DBInstance"
    ]


def changed_outside(entries: Iterable[Drift]) -> list[Event]:
    """Return an Event for each change of others of which it is known who made it."""
    return [
        Event(
            "Normal",
            "ChangedOutside",
            f"{entry.resource} was changed by {entry.by} at {entry.at:%Y-%m-%dT%H:%M:%SZ}: "
            f"{'; '.join(entry.fields) or 'deleted or added'}. {entry.action}"[:1000],
        )
        for entry in entries
        if entry.by
    ]


def swallowed(before: tuple[Ignored, Sequence[Change]] | None, now: Iterable[Change]) -> list[Event]:
    """Return an Event for each resource of which a new spec asks for something else, in vain.

    `before`: the entries of `existing.ignoreDifferences` and what they kept from being done, before the new spec.
    `now`: what they keep from being done with it.
    """
    if before is None:
        return []
    entries, changes = before
    known = {(change.address, item.field, item.after) for change in changes for item in change.fields}
    found = []
    for change in now:
        names = entries.get(change.address)
        fields = [
            str(item)
            for item in change.fields
            if names is not None
            and (not names or item.field in names)
            and (change.address, item.field, item.after) not in known
        ]
        if fields or (not change.fields and names == frozenset() and change.address not in _addresses(changes)):
            text = (
                f"the new spec changes nothing of {change.address}: existing.ignoreDifferences leaves it as it is. To "
                "have it changed, remove its entry: missyou plan -f FILE shows all that this does"
            )
            found.append(Event("Warning", Reason.CHANGE_IGNORED, ". ".join([text, *fields])[:1000]))
    return found


def _addresses(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(change.address for change in changes)


def _speaks(condition: Condition) -> bool:
    """Return whether another reason alone is worth an Event: it is Ready's, or a warning about what works."""
    return condition.type == ConditionType.READY or (condition.status == "True" and condition.reason in NOTEWORTHY)


def _event(condition: Condition, *, stalled: bool) -> Event:
    bad = condition.type == ConditionType.STALLED or (condition.status == "False" and stalled)
    message = f"{condition.type} is {condition.status}: {condition.message or condition.reason}"
    # Kubernetes takes 1,024 bytes of a message.
    return Event("Warning" if bad or condition.reason in NOTEWORTHY else "Normal", condition.reason, message[:1000])
