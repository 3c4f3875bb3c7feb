"""What desired fields may hold besides plain values: references, values not known yet, and secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakValueDictionary


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute of another resource. References are the edges of the graph: nobody lists dependencies by hand.

    `ready` asks for more than existence: nothing is created or changed with the value before the other resource is
    ready (a NAT gateway can be routed to only when it is available).
    """

    address: str
    attr: str
    ready: bool = False


class _Word:
    """A word in place of a value, compared by identity: there is one of each. `name` is its name in this module."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text

    def __repr__(self) -> str:
        return self._text

    def __reduce__(self) -> str:
        return self._name


#: A value that a resource will have only after it was created.
UNKNOWN: Final = _Word("UNKNOWN", "(known after apply)")
#: A value whose source cannot be read: whatever is there already is as desired.
UNCHANGED: Final = _Word("UNCHANGED", "(unchanged)")
#: A value of something that exists, and of which only the ID is known so far.
UNREAD: Final = _Word("UNREAD", "(not read yet)")


class Sensitive:
    """A secret on its way to where it belongs. Prints as stars everywhere, and can be compared and fingerprinted.

    `parts` are what in it must not be seen alone either: the password in a JSON document.
    """

    __slots__ = ("__weakref__", "_parts", "_value")

    def __init__(self, value: str, *parts: str) -> None:
        self._value = value
        self._parts = (value, *parts)
        _ALIVE[id(self)] = self

    def forms(self) -> Iterator[str]:
        """Return what must not be seen, as it is and as JSON and URLs write it. For `redact` only."""
        for part in self._parts:
            yield from _forms(part)

    def reveal(self) -> str:
        """Return the secret itself, for the one call that hands it over."""
        return self._value

    def fingerprint(self, salt: str) -> str:
        """Return 64 hex digits that change with the value or the salt and do not give the value away."""
        return hashlib.sha256(f"{salt}\0{self._value}".encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensitive) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "********"


#: The secrets that this process holds. By identity, not by value: of two equal ones the second must outlast the first.
_ALIVE: WeakValueDictionary[int, Sensitive] = WeakValueDictionary()
#: Characters of the shortest secret that is looked for in texts: shorter ones are in every other word.
_HIDEABLE = 6


def redact(text: str, others: Iterable[str] = ()) -> str:
    """Put stars in the place of every secret that this process holds, wherever in a text somebody has quoted it.

    `others` are values that are secret only in this text.
    """
    held = [secret for ref in _ALIVE.valuerefs() if (secret := ref()) is not None]
    forms = {form for secret in held for form in secret.forms()} | {form for other in others for form in _forms(other)}
    # The longest first: one may be part of another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "********")
    return text


def _forms(secret: str) -> Iterable[str]:
    if len(secret) < _HIDEABLE:
        return ()
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}


def refs_in(value: Any) -> Iterator[Ref]:
    """Yield the references anywhere inside a field's value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from refs_in(item)
    elif isinstance(value, (tuple, list, frozenset)):
        for item in value:
            yield from refs_in(item)


def strings_in(value: Any) -> Iterator[str]:
    """Yield the texts anywhere inside a value; the keys of mappings are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from strings_in(tuple(value.values()))
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from strings_in(item)


def substitute(value: Any, known: Mapping[Ref, Any]) -> Any:
    """Copy a field's value with each reference replaced by what it stands for, or by UNKNOWN."""
    if isinstance(value, Ref):
        return known.get(value, UNKNOWN)
    if isinstance(value, Mapping):
        return {key: substitute(item, known) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(substitute(item, known) for item in value)
    if isinstance(value, frozenset):
        return frozenset(substitute(item, known) for item in value)
    return value


def is_known(value: Any) -> bool:
    """Return whether a substituted value holds nothing that is still to be found out."""
    if value is UNKNOWN:
        return False
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    if isinstance(value, (tuple, list, frozenset)):
        return all(is_known(item) for item in value)
    return True
