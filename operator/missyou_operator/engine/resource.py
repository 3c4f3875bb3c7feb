"""The contract between the engine and a type of resource.

A subclass of `Resource` is a frozen dataclass: its fields say what is desired, its methods know how the real thing is
created, changed, deleted and judged. `Observed` is the real thing as it was read. Neither waits: what takes time is
`pending`.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self

from missyou_operator.engine.comparators import Comparator
from missyou_operator.engine.effects import Effects
from missyou_operator.engine.tags import stale
from missyou_operator.engine.values import UNKNOWN, Ref, Sensitive, is_known, refs_in, substitute

_STARS = Sensitive("")
#: Seconds that a wait usually lasts when its type says nothing better.
DEFAULT_TYPICAL_SECONDS = 15.0
#: `Resource.ignored` of what may differ in every field.
EVERYTHING = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Health:
    """The state of one resource: ready, pending or failed, with a reason and a message for a person.

    `typical_seconds` is how long this kind of wait usually lasts; it paces the next observation. `stalled` marks a
    failure that only a person or a change of the spec ends.
    """

    status: Literal["ready", "pending", "failed"]
    reason: str = "Available"
    message: str = ""
    typical_seconds: float = DEFAULT_TYPICAL_SECONDS
    stalled: bool = False
    #: The address of the resource that has to come first, when that is all there is to wait for.
    waits_for: str = ""
    #: Whether time alone ends it, so that no read is needed.
    needs_no_read: bool = False
    #: Whether a creation may have happened although it failed: no answer came.
    unanswered: bool = False
    #: Whether only a change is held back: what is there is judged as if none were due.
    unmade: bool = False
    #: Whether this is what came of a change that was tried: the cloud refused it, or did not answer.
    refused: bool = False


READY = Health("ready")


def pending(reason: str, message: str, typical_seconds: float = DEFAULT_TYPICAL_SECONDS) -> Health:
    """Return that nothing is wrong and that it takes time, usually `typical_seconds` seconds."""
    return Health("pending", reason, message, typical_seconds)


def failed(reason: str, message: str, *, stalled: bool = True, typical_seconds: float = 60.0) -> Health:
    """Return that something is wrong; `stalled` when it cannot end by itself."""
    return Health("failed", reason, message, typical_seconds, stalled)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: its name and both values, rendered for a person (secrets as stars).

    `hidden` holds both values of a `CONFIDENTIAL` field: two changes that look alike are not one and the same. They
    print as stars, and nothing that leaves the process is made from them.
    """

    field: str
    before: str
    after: str
    hidden: tuple[Sensitive, Sensitive] | None = None

    def __str__(self) -> str:
        """Return the change in one line, as statuses show it."""
        return f"{self.field}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Observed:
    """One resource as it was found.

    `attrs` are normalised: they bear the names and the shapes of the desired fields, so that comparing is `==`, and
    hold besides what others refer to (`id`, `arn`, …). `owned` is False for something of our name that bears another
    owner's tags (or none): it is never touched. `state` is the word that the cloud itself uses.

    `lost` is set for what is ours although it lacks our tags, since its ID is known or others of ours refer to it: the
    command by which a person gives them back. `owner` then names the other owner that its tags name, if any.
    `remedy` is what a person can do about another owner, where that is known better than by `Resource.IF_TAKEN`.
    `unread`: only that it was there is known, so that neither it nor what refers to it can be compared.
    """

    kind: type[Resource]
    name: str
    id: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    state: str = "available"
    component: str = ""
    owned: bool = True
    owner: str = ""
    lost: str = ""
    remedy: str = ""
    unread: bool = False

    @property
    def address(self) -> str:
        """What matches it with a desired resource: type and name."""
        return f"{self.kind.TYPE}/{self.name}"

    def with_attrs(self, **attrs: Any) -> Observed:
        """Copy with some attributes set anew, as after a change."""
        return replace(self, attrs={**self.attrs, **attrs})


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of lost data, for a person.

    `found`: a sentence without its stop. `patch`: the JSON merge patch of the object that brings it back, "" where
    there is none. `anew`: what approval of a new one means, as an infinitive.
    """

    found: str
    patch: str = ""
    anew: str = "begin empty"


#: All that was found, by address.
World = Mapping[str, tuple[Observed, ...]]


@dataclass(frozen=True, kw_only=True)
class Resource(abc.ABC):
    """One desired resource. See the module's description.

    Class attributes:

    - `COMPARED`: the fields that are compared with `Observed.attrs`, each with its comparator.
    - `EFFECTS`: what creating, deleting and changing it means to the app, for each compared field.
    - `CONFIDENTIAL`: the compared mappings of which only keys are ever shown: their values may be secret.
    - `FORCES_REPLACEMENT`: the compared fields that cannot be changed in place.
    - `CHANGES_ON_UPDATE`: attributes that have another value after an update (a task definition's ARN).
    - `DELETE_AFTER`: types whose last instance must be gone before one of this type can be deleted.
    - `READ_AFTER`: types that must have been read before this one can be.
    - `EVIDENCE`: types that tell whether one that is missing is lost: see `lost`.
    - `EXTERNAL`: somebody else's. It is observed, never created, changed, deleted or listed in the status.
    - `RETAINED`: created on request (a snapshot). Never deleted; its absence is not drift; it does not count towards
      readiness.
    - `IF_TAKEN`: what helps where something of others bears the name.
    - `IDENTITY`: what tells one from another. "tags": it has no name, so only what bears our tags is ever found. "id":
      its ID is given once. "name": its ID is its name, which something else may bear later.
    - `NOT_IDEMPOTENT`: neither a name nor a token prevents a second one, so an unanswered creation is looked for first.
    """

    TYPE: ClassVar[str]
    COMPARED: ClassVar[Mapping[str, Comparator]] = {}
    EFFECTS: ClassVar[Effects]
    CONFIDENTIAL: ClassVar[frozenset[str]] = frozenset()
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset()
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset()
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ()
    READ_AFTER: ClassVar[tuple[str, ...]] = ()
    EVIDENCE: ClassVar[tuple[str, ...]] = ()
    EXTERNAL: ClassVar[bool] = False
    RETAINED: ClassVar[bool] = False
    IDENTITY: ClassVar[Literal["tags", "id", "name"]] = "name"
    NOT_IDEMPOTENT: ClassVar[bool] = False
    IF_TAKEN: ClassVar[str] = (
        "Delete it or rename it, and the operator makes its own; a new app can have another spec.stackName instead, "
        "which is fixed once the app exists"
    )

    name: str
    component: str
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Dependencies that no field shows because the cloud hides them.
    after: tuple[Ref, ...] = ()
    #: The names of differences that are none: see `leave`.
    ignored: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        """What identifies it in the graph and in messages: type and name."""
        return f"{self.TYPE}/{self.name}"

    def ref(self, attr: str = "id", *, ready: bool = False) -> Ref:
        """Refer to an attribute that this resource will have."""
        return Ref(self.address, attr, ready)

    def refs(self) -> tuple[Ref, ...]:
        """List the references in all fields, hidden dependencies included."""
        return tuple(dict.fromkeys(ref for item in fields(self) for ref in refs_in(getattr(self, item.name))))

    def resolved(self, known: Mapping[Ref, Any]) -> Self:
        """Copy with each reference replaced by its value, or by UNKNOWN."""
        return replace(self, **{item.name: substitute(getattr(self, item.name), known) for item in fields(self)})

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """List what differs from what was found; a value that is not known yet counts as different."""
        changes = [
            _change(name, observed.attrs.get(name), getattr(self, name), confidential=name in self.CONFIDENTIAL)
            for name in self.COMPARED
            if not is_known(getattr(self, name)) or not self.matches(name, observed)
        ]
        missing = {key: value for key, value in self.tags.items() if observed.tags.get(key) != value}
        surplus = self.stale_tags(observed)
        if missing or surplus:
            present = {key: value for key, value in observed.tags.items() if key in missing or key in surplus}
            changes.append(FieldChange("tags", _render(present), _render(missing)))
        return tuple(changes)

    def ignores(self, difference: str) -> bool:
        """Return whether a difference, by the name of its field, is left as it is. Those of tags tell the owner."""
        return difference in self.ignored or (self.ignored == EVERYTHING and difference != "tags")

    def stale_tags(self, observed: Observed) -> tuple[str, ...]:
        """Return the keys of the tags that were set for an earlier spec and are no longer desired.

        What has no tags of its own may show those of what it is part of.
        """
        return stale(self.tags, observed.tags) if self.tags else ()

    def matches(self, name: str, observed: Observed) -> bool:
        """Return whether a field is as desired. Overridden where that depends on other fields too."""
        return self.COMPARED[name](getattr(self, name), observed.attrs.get(name))

    @classmethod
    def case(cls, observed: Observed) -> str:  # noqa: ARG003 - for those that override it
        """Return under which of the conditions in `EFFECTS.cases` it is changed; "" for none."""
        return ""

    def disputed(self, observed: Observed) -> bool:
        """Return whether what lacks our tags may be somebody else's after all, and has to be left alone."""
        if not observed.lost or observed.owner or self.IDENTITY != "name":
            return bool(observed.lost and observed.owner)
        # Of that name there may be another one by now: ours is as it was left.
        return any(is_known(getattr(self, name)) and not self.matches(name, observed) for name in self.COMPARED)

    def destroys_data(self, changes: Sequence[FieldChange]) -> bool:  # noqa: ARG002 - for those that override it
        """Return whether replacing it because of these changes loses data that nothing else holds."""
        return False

    def health(self, observed: Observed) -> Health:  # noqa: ARG002 - for those that override it
        """Judge what was observed, without waiting."""
        return READY

    def as_created(self, id_: str, state: str = "available", **attrs: Any) -> Observed:
        """Return what was just created as a read would find it: all compared fields as desired, and `attrs`."""
        wanted = {name: getattr(self, name) for name in self.COMPARED}
        return Observed(type(self), self.name, id_, {**wanted, "id": id_, **attrs}, self.tags, state, self.component)

    def as_desired(self, observed: Observed, **attrs: Any) -> Observed:
        """Copy an observation with all compared fields and tags as desired: what a complete change leaves behind."""
        wanted = {name: getattr(self, name) for name in self.COMPARED if not self.matches(name, observed)}
        surplus = self.stale_tags(observed)
        tags = {**{key: value for key, value in observed.tags.items() if key not in surplus}, **self.tags}
        return replace(observed, attrs={**observed.attrs, **wanted, **attrs}, tags=tags)

    def check_replacement(self, cloud: Any) -> None:  # noqa: B027 - for those that override it
        """Raise what would keep another one from being created, before this one is deleted to make room for it."""

    def missing(self) -> Health:
        """Return what it means that something `EXTERNAL` is not there."""
        return pending("NotFound", f"{self.name} is not there yet")

    def busy(self, observed: Observed) -> Health | None:  # noqa: ARG002 - for those that override it
        """Return why it cannot be changed at the moment (the cloud is still working on it), or None."""
        return None

    @abc.abstractmethod
    def create(self, cloud: Any) -> Observed:
        """Create it, tags included, and return it as a read would now find it."""

    @abc.abstractmethod
    def update(self, cloud: Any, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change the named fields (and "tags") in place and return the result as a read would find it."""

    def evidence(self, observed: Observed, world: World) -> str:  # noqa: ARG002 - for those that override it
        """Return what proves later that this one was there and held data; "" while it holds none."""
        return ""

    def lost(self, world: World, recorded: str) -> str:  # noqa: ARG002 - for those that override it
        """Return the incarnation of what held data in this place and is gone; "" where nothing is lost.

        Called for what is missing. `recorded` is the evidence that the status remembers.
        """
        return ""

    def remains(self, cloud: Any, incarnation: str) -> Remains:  # noqa: ARG002 - for those that override it
        """Return what is left of what was lost, and how to get it back."""
        return Remains("Nothing of it is left")

    @classmethod
    @abc.abstractmethod
    def read(cls, reader: Any) -> Sequence[Observed]:
        """Find all resources of this type that belong to the stack, or bear one of its names."""

    @classmethod
    @abc.abstractmethod
    def delete(cls, cloud: Any, observed: Observed) -> Health:
        """Delete it, or go on deleting it: ready when it is gone, pending while the cloud still works on it."""

    @classmethod
    def incarnation(cls, observed: Observed) -> str:
        """Return what tells it from one that had or will have the same ID. Overridden where IDs are names."""
        return observed.id

    @classmethod
    def holds_data(cls, observed: Observed) -> str:  # noqa: ARG003 - for those that override it
        """Return what deleting this one would destroy, or nothing."""
        return ""


def _change(name: str, before: Any, after: Any, *, confidential: bool) -> FieldChange:
    """Render a change; of two mappings only the entries that differ, and of confidential ones only the keys."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        same = {key for key in before.keys() & after.keys() if before[key] == after[key]}
        before, after = ({k: v for k, v in each.items() if k not in same} for each in (before, after))
    if not confidential:
        return FieldChange(name, _render(before), _render(after))
    return FieldChange(name, _render(_hide(before)), _render(_hide(after)), (_sealed(before), _sealed(after)))


def _sealed(value: Any) -> Sensitive:
    return Sensitive(json.dumps(value, sort_keys=True, default=repr))


def _hide(value: Any) -> Any:
    """Return a mapping with stars for its values. What is no mapping is hidden as a whole, unless it is nothing yet."""
    if isinstance(value, Mapping):
        return dict.fromkeys(value, _STARS)
    return value if value is None or value is UNKNOWN else _STARS


def _render(value: Any) -> str:
    if value is None:
        return "(none)"
    if value is UNKNOWN or isinstance(value, Sensitive):
        return repr(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_render(item)}" for key, item in sorted(value.items())) or "(none)"
    if isinstance(value, (tuple, list)):
        return ", ".join(_render(item) for item in value) or "(none)"
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(_render(item) for item in value)) or "(none)"
    return str(value) or "(none)"
