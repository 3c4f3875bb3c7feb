"""What an approval permits, as text that the status can keep: nothing but this outlives a crash.

A change that destroys data is approved as it is, by its digest. Of the others, some values become known only while the
plan is carried out (`(known after apply)`), so each is kept as its address, its action and a digest of each value that
was known. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from missyou_operator.engine.plan import Action, Change, Plan
from missyou_operator.engine.resource import FieldChange
from missyou_operator.engine.values import UNKNOWN

#: Stands for a value that is not known yet.
_ANY = "*"
#: Between the parts of an entry: neither in addresses nor in IDs.
_GAP = " | "
#: What a change may become once it was approved: what is replaced is deleted first.
_BECOMES = {
    Action.CREATE: frozenset({Action.CREATE, Action.UPDATE}),
    Action.UPDATE: frozenset({Action.UPDATE}),
    Action.REPLACE: frozenset({Action.REPLACE, Action.CREATE, Action.UPDATE}),
    Action.DELETE: frozenset({Action.DELETE}),
}


def permitted(plan: Plan, *, every: bool) -> frozenset[str]:
    """Return the entries for the changes of a plan: all of them, or those that destroy data."""
    entries = {_entry(change) for change in plan.changes if every or change.destroys}
    # What takes the place of something that held data is a creation in a later pass.
    anew = [change for change in plan.of(Action.REPLACE) if every and change.destroys]
    return frozenset(entries | {_in_words(Action.CREATE, change.address) for change in anew})


def permits(entries: Collection[str], change: Change, *, follows: bool = True) -> bool:
    """Return whether a change is among what was approved.

    `follows`: whether entries in words count; they speak of one generation of the spec.
    """
    if change.destroys:
        return change.digest in entries
    return follows and any(_covers(entry, change) for entry in entries)


def _entry(change: Change) -> str:
    if change.destroys:
        return change.digest
    return _in_words(change.action, change.address, change.id, change.fields)


def _in_words(action: Action, address: str, id_: str = "", fields: Iterable[FieldChange] = ()) -> str:
    return _GAP.join((action.value, address, id_, *(f"{item.field}={_value(item)}" for item in fields)))


def is_due(entry: str, due: Plan) -> bool:
    """Return whether an entry may still be needed: something is to be done to what it is about."""
    if not in_words(entry):
        return any(change.digest == entry for change in due.changes)
    return entry.split(_GAP)[1] in {change.address for change in due.changes}


def in_words(entry: str) -> bool:
    """Return whether an entry is no digest: it counts for one generation of the spec."""
    return _GAP in entry


def _covers(entry: str, change: Change) -> bool:
    action, *rest = entry.split(_GAP)
    if not rest or rest[0] != change.address:
        return False
    _, id_, *fields = rest
    approved = Action(action)
    if change.action not in _BECOMES[approved]:
        return False
    if approved in {Action.CREATE, Action.REPLACE} and change.action in {Action.CREATE, Action.UPDATE}:
        return True
    values = dict(field.rpartition("=")[::2] for field in fields)
    return id_ == change.id and all(values.get(item.field) in {_ANY, _value(item)} for item in change.fields)


def _value(item: FieldChange) -> str:
    if repr(UNKNOWN) in item.after:
        return _ANY
    return hashlib.sha256(item.after.encode()).hexdigest()[:8]
