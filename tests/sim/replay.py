"""AWS as it answered once: what calls got is kept, and answered again, with a member taken out if a test wants."""

from __future__ import annotations

import contextvars
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from missyou_operator.aws.answers import Answer

Path = tuple[str | int, ...]
Key = tuple[str, str, str]


@dataclass(slots=True)
class Tape:
    """Answers by service, operation and arguments."""

    answers: dict[Key, Any] = field(default_factory=dict)
    #: Whose member is missing, and which.
    without: tuple[Key, Path] | None = None

    def client(self, service: str) -> _Player:
        """Return a client that only knows the answers."""
        return _Player(self, service)

    client_without_retries = client

    def answer(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer to a call: the one that it got or, to other arguments, any that the operation got."""
        key = (service, operation, repr(sorted(arguments.items())))
        if key not in self.answers:
            key = next((known for known in self.answers if known[:2] == key[:2]), key)
        found = self.answers.get(key, Answer())
        return _removed(found, self.without[1]) if self.without and self.without[0] == key else found


@dataclass(frozen=True, slots=True)
class _Player:
    tape: Tape
    service: str

    def can_paginate(self, _: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **arguments: self.tape.answer(self.service, operation, arguments)


@dataclass(frozen=True, slots=True)
class Recorder:
    """The operator's clients, whose answers are kept on a tape."""

    clients: Any
    tape: Tape

    def client(self, service: str) -> Any:
        return _Recording(self.clients.client(service), self.tape, service)

    def client_without_retries(self, service: str) -> Any:
        return _Recording(self.clients.client_without_retries(service), self.tape, service)


@dataclass(frozen=True, slots=True)
class _Recording:
    real: Any
    tape: Tape
    service: str

    def can_paginate(self, _: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            # In a context of its own, in which no list is being read whose pages are remembered: the tape has rows.
            answer = contextvars.Context().run(getattr(self.real, operation), **arguments)
            self.tape.answers[self.service, operation, repr(sorted(arguments.items()))] = copy.deepcopy(answer)
            return answer

        return call


def members(answer: Any, at: Path = ()) -> Iterator[Path]:
    """Give the paths of all members of an answer, of the first and the last item in a list."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            if (*at, key) != ("ResponseMetadata",):
                yield (*at, key)
                yield from members(value, (*at, key))
    elif isinstance(answer, list):
        for number in sorted({0, len(answer) - 1} if answer else set()):
            yield from members(answer[number], (*at, number))


def _removed(answer: Any, path: Path) -> Any:
    answer = copy.deepcopy(answer)
    inner = answer
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return answer
