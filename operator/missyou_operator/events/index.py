"""Whose resources a notice is about: an index of what all stacks of this process are known to consist of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from missyou_operator.aws.cloud import Known
from missyou_operator.aws.registry import KINDS
from missyou_operator.events.notice import Notice

#: Namespace and name of an app.
Key = tuple[str, str]
#: A resource: of which app, of which type, of which name.
_Bearer = tuple[Key, str, str]
#: CloudTrail shows their calls in one region, wherever the stack is. Source: CloudTrail User Guide, "About global
#: service events".
_GLOBAL = frozenset({"iam", "route53"})
_REVISION = re.compile(r":(\d+|\*)$")


@dataclass(frozen=True, slots=True)
class Touched:
    """What a notice is about, of one app: the types to read, and the resources that it names (type/name)."""

    types: frozenset[str]
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stack:
    account: str
    region: str
    known: Known


class Index:
    """Not thread-safe. A stack is put in again only when something new is known of it: see `has`."""

    def __init__(self) -> None:
        self._stacks: dict[Key, _Stack] = {}
        #: By ID or name: the resources that bear it. A thousand stacks have a hundred thousand of these.
        self._bearers: dict[str, tuple[_Bearer, ...]] = {}

    def has(self, key: Key, known: Known) -> bool:
        """Return whether the same is known of a stack already."""
        old = self._stacks.get(key)
        return old is not None and (old.known is known or old.known == known)

    def put(self, key: Key, account: str, region: str, known: Known) -> None:
        """Take over what is known of a stack."""
        self.drop(key)
        self._stacks[key] = _Stack(account, region, known)
        for text, bearer in _entries(key, known):
            self._bearers[text] = (*self._bearers.get(text, ()), bearer)

    def drop(self, key: Key) -> None:
        """Forget a stack."""
        if (old := self._stacks.pop(key, None)) is None:
            return
        for text, bearer in _entries(key, old.known):
            left = tuple(each for each in self._bearers[text] if each != bearer)
            if left:
                self._bearers[text] = left
            else:
                del self._bearers[text]

    def keys(self) -> frozenset[Key]:
        """Return the stacks that are known."""
        return frozenset(self._stacks)

    def match(self, notice: Notice) -> Mapping[Key, Touched]:
        """Return what a notice is about, by app. One about nothing of ours is about no app."""
        found: dict[Key, tuple[set[str], set[str]]] = {}
        for mention in notice.mentions:
            for form in _forms(mention):
                for key, type_, name in self._bearers.get(form, ()):
                    stack = self._stacks[key]
                    near = notice.service in _GLOBAL or stack.region == notice.region
                    if stack.account != notice.account or not near:
                        continue
                    if types := types_of(type_, notice.service):
                        read, addresses = found.setdefault(key, (set(), set()))
                        read |= types
                        addresses.add(f"{type_}/{name}")
        return {key: Touched(frozenset(types), frozenset(named)) for key, (types, named) in found.items()}


@cache
def types_of(type_: str, service: str) -> frozenset[str]:
    """Return the types of a service that an event about a resource of a type may have changed.

    That is the type itself and those that live in it: a rule that is new in a security group has an ID that nobody
    knows, so the event that names the group stands for both.
    """
    found = {type_}
    for kind in KINDS:
        # In the order of the registry, what lives in something comes after it.
        if kind.TYPE.startswith(f"{service}.") and found.intersection(kind.READ_AFTER):
            found.add(kind.TYPE)
    return frozenset(each for each in found if each.startswith(f"{service}."))


def _entries(key: Key, known: Known) -> Iterator[tuple[str, _Bearer]]:
    for type_, names in known.items():
        for id_, name in names.items():
            bearer = (key, type_, name)
            if id_:
                yield id_, bearer
            if name and name != id_:
                yield name, bearer


def _forms(mention: str) -> Iterator[str]:
    """Yield what a resource may be known by: as it stands, and what an ARN or a path ends with."""
    yield mention
    parts = mention.split(":", 5)
    rest = mention
    if mention.startswith("arn:") and len(parts) == 6:
        # arn:partition:service:region:account:kind/name, or …:kind:name, or …:name
        rest = parts[5]
        yield rest
        short = re.split(r"[:/]", rest, maxsplit=1)[-1]
        yield short
        yield _REVISION.sub("", short)
    yield _REVISION.sub("", rest)
    yield _REVISION.sub("", rest.rpartition("/")[2])
    yield mention.rstrip(".")
