"""What a change means to the app that runs: the call that makes it, what the app feels, and how long it takes.

A type of resource declares it as data, beside the fields that it compares. From there it goes into plans, the status,
`missyou plan` and docs/changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as copy
from enum import StrEnum

NOTHING = "nothing"


class Risk(StrEnum):
    """How far a change reaches, from harmless to final. The order of the members is that of the danger."""

    CREATE = "Create"
    IN_PLACE = "InPlace"
    RESTART = "Restart"
    REPLACE = "Replace"
    DATA_LOSS = "DataLoss"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one kind of change means.

    `call`: the calls of the cloud that make it. `seconds`: how long it usually takes until it is in effect. `feels`:
    what the app and its users notice, as the end of the sentence "the app feels …". `restarts`: whether something that
    serves is restarted or replaced by a new one. `source`: where the cloud's documentation says so.
    """

    call: str
    seconds: int = 2
    feels: str = NOTHING
    restarts: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the changes of one type of resource mean.

    `update` counts for each field that is not in `fields`; None where each has to be named. `replace`: a creation after
    a deletion, unless something else is said. `cases`: what fields mean under a condition, by its words: see
    `Resource.case`.
    """

    create: Effect
    delete: Effect
    update: Effect | None = None
    fields: Mapping[str, Effect] = field(default_factory=dict)
    replace: Effect | None = None
    cases: Mapping[str, Mapping[str, Effect]] = field(default_factory=dict)

    def replaced_with(self, feels: str) -> Effects:
        """Copy with what the app feels of a replacement, beyond the calls that delete and create."""
        return copy(self, replace=copy(self.of_replacement, feels=feels))

    def of_field(self, name: str, case: str = "") -> Effect:
        """Return what a change of one field in place means. Error: KeyError for one that nobody has declared."""
        found = self.cases.get(case, {}).get(name) or self.fields.get(name)
        if found is not None:
            return found
        if name == "tags":
            return Effect("tag", 2)
        if self.update is None:
            raise KeyError(name)
        return self.update

    def of_update(self, names: Iterable[str], case: str = "") -> Effect:
        """Return what a change of some fields in place means."""
        return together([self.of_field(name, case) for name in names])

    @property
    def of_replacement(self) -> Effect:
        """What it means to delete one and to create another in its place."""
        if self.replace is not None:
            return self.replace
        both = together([self.delete, self.create])
        return Effect(both.call, self.delete.seconds + self.create.seconds, both.feels, restarts=True)


def everything(effect: Effect) -> Effects:
    """Return the effects of a type of which each change is the same call."""
    return Effects(effect, effect, update=effect)


def together(effects: Iterable[Effect]) -> Effect:
    """Sum up effects of one change: all calls, the longest time, and all that is felt, the worst first."""
    ordered = sorted(effects, key=lambda effect: (not effect.restarts, -effect.seconds))
    calls = dict.fromkeys(call for effect in ordered for call in effect.call.split(", "))
    felt = dict.fromkeys(effect.feels for effect in ordered if effect.feels != NOTHING)
    return Effect(
        ", ".join(calls),
        max((effect.seconds for effect in ordered), default=0),
        "; ".join(felt) or NOTHING,
        restarts=any(effect.restarts for effect in ordered),
    )


#: What is felt of a replacement of something that everything else is in: all of it has to go first.
REBUILT = "the app is away until everything that depends on it has been created anew"
#: Of a resource that nobody has created yet, or of which nothing is known.
UNFELT = Effect("", 0)
