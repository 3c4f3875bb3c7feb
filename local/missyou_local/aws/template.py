"""Copies of what was created between two moments, under other names: how a test AWS gets a thousand stacks in seconds.

    before = Mark()
    ...                                # somebody creates a stack by calls
    template = before.template(needs_rewriting)
    template.stamp(rewrite)            # the same stack once more; each of its strings is `rewrite(string)`

moto's models are plain Python objects in containers. What was created hangs in containers that were there before, so it
is found by comparing them with what they held then. It is pickled once: a string that needs rewriting and an object
that was there before (a backend, a default VPC) become references, which each copy resolves for itself.
"""

from __future__ import annotations

import collections
import io
import pickle
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from missyou_local.aws import backends

_ATOMS = (str, bytes, int, float, complex, type(None), type, types.FunctionType, types.BuiltinFunctionType)


class Mark:
    """A moment: what every container of the test AWS held. Keep it while something is created."""

    def __init__(self) -> None:
        self._there = {id(each): each for each in _reachable(backends.roots())}
        self._held = {id(each): _keys(each) for each in self._there.values() if isinstance(each, _CONTAINERS)}
        #: The strings that were there.
        self.strings = frozenset(
            part for each in self._there.values() for part in _parts(each) if isinstance(part, str)
        )

    def template(self, needs_rewriting: Callable[[str], bool]) -> Template:
        """Return what was created since, for copies. `needs_rewriting` picks the strings that differ in each copy."""
        added = []
        for key, held in self._held.items():
            container = self._there[key]
            new = _added(container, held)
            if new:
                added.append((container, new))
        return Template(self._there, added, needs_rewriting)


class Template:
    """What was created, and where it goes."""

    def __init__(
        self, there: dict[int, Any], added: list[tuple[Any, list[Any]]], needs_rewriting: Callable[[str], bool]
    ) -> None:
        self._containers = [container for container, _ in added]
        self._strings: list[str] = []
        self._objects: list[Any] = []
        file = io.BytesIO()
        _Pickler(file, there, needs_rewriting, self._strings, self._objects).dump([new for _, new in added])
        self._pickle = file.getvalue()

    @property
    def strings(self) -> Sequence[str]:
        """The strings that `needs_rewriting` has picked."""
        return self._strings

    def stamp(self, rewrite: Callable[[str], str]) -> None:
        """Put one more copy in."""
        strings = [rewrite(each) for each in self._strings]
        copies = _Unpickler(io.BytesIO(self._pickle), strings, self._objects).load()
        for container, new in zip(self._containers, copies, strict=True):
            _add(container, new)


class _Pickler(pickle.Pickler):
    def __init__(
        self,
        file: io.BytesIO,
        there: dict[int, Any],
        needs_rewriting: Callable[[str], bool],
        strings: list[str],
        objects: list[Any],
    ) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._there, self._needs_rewriting = there, needs_rewriting
        self._strings, self._objects = strings, objects
        self._string_numbers: dict[str, int] = {}
        self._object_numbers: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> tuple[bool, int] | None:
        """Return the number of a string to rewrite, or of an object that was there before; None for all else."""
        if isinstance(obj, str):
            if not self._needs_rewriting(obj):
                return None
            if obj not in self._string_numbers:
                self._string_numbers[obj] = len(self._strings)
                self._strings.append(obj)
            return True, self._string_numbers[obj]
        if id(obj) not in self._there:
            return None
        if id(obj) not in self._object_numbers:
            self._object_numbers[id(obj)] = len(self._objects)
            self._objects.append(obj)
        return False, self._object_numbers[id(obj)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, strings: list[str], objects: list[Any]) -> None:
        super().__init__(file)
        self._strings, self._objects = strings, objects

    def persistent_load(self, pid: tuple[bool, int]) -> Any:
        """Return the copy's string, or the object that is shared."""
        is_string, number = pid
        return self._strings[number] if is_string else self._objects[number]


_CONTAINERS = (dict, list, set, collections.deque)


def _keys(container: Any) -> Any:
    return set(container) if isinstance(container, (dict, set)) else len(container)


def _added(container: Any, held: Any) -> list[Any]:
    if isinstance(container, dict):
        return [(key, value) for key, value in container.items() if key not in held]
    if isinstance(container, set):
        return [each for each in container if each not in held]
    return list(container)[held:]


def _add(container: Any, new: list[Any]) -> None:
    """Add the copies. Error: ValueError if one would take the place of what is there."""
    if isinstance(container, dict) and (taken := [key for key, _ in new if key in container]):
        raise ValueError(f"the copy is called as what is there: {taken[0]!r}")
    if isinstance(container, (dict, set)):
        container.update(new)
    else:
        container.extend(new)


def _reachable(roots: list[Any]) -> Iterator[Any]:
    """Yield each mutable object that can be reached, once."""
    seen: set[int] = set()
    left = list(roots)
    while left:
        each = left.pop()
        if isinstance(each, _ATOMS) or id(each) in seen:
            continue
        seen.add(id(each))
        left.extend(_parts(each))
        if not isinstance(each, (tuple, frozenset)):
            yield each


def _parts(each: Any) -> Iterator[Any]:
    if isinstance(each, dict):
        yield from each.keys()
        yield from each.values()
    elif isinstance(each, (list, tuple, set, frozenset, collections.deque)):
        yield from each
    if isinstance(each, types.ModuleType):
        return
    yield from vars(each).values() if hasattr(each, "__dict__") else ()
    for kind in type(each).__mro__:
        for slot in kind.__dict__.get("__slots__", ()):
            if hasattr(each, slot):
                yield getattr(each, slot)
